"""StatisticsGen: TensorFlow Data Validation's statistics, to the last count."""

from __future__ import annotations

import pathlib

import pytest

from tests import approximately
from tests.components.example_gen import ingestion
from tests.components.example_gen.test_example_gen import TAXI
from tests.components.executing import AsNode

pytestmark = pytest.mark.tensorflow

# Means are sums of parts, and the parts differ: the last digits may.
ROUNDING = 1e-9


def statistics(executor, examples, folder):
    """Runs an executor; returns the statistics of each split."""
    from tensorflow_metadata.proto.v0 import statistics_pb2
    from tfx.types import artifact_utils, standard_artifacts

    artifact = standard_artifacts.ExampleStatistics()
    artifact.uri = str(folder)
    executor.Do({"examples": [examples]}, {"statistics": [artifact]}, {"exclude_splits": "null"})
    result = {}
    for split in artifact_utils.decode_split_names(artifact.split_names):
        data = pathlib.Path(folder, f"Split-{split}", "FeatureStats.pb").read_bytes()
        result[split] = statistics_pb2.DatasetFeatureStatisticsList.FromString(data)
    return result


def as_numbers(message):
    """A proto as nested plain values, for a comparison that forgives rounding."""
    from google.protobuf import json_format

    return json_format.MessageToDict(message)


def nasty(rows=300):
    """Columns that are empty, rarely filled, of one value, of unusual words, of extreme numbers."""
    words = ["plain", '"with, comma"', "", "größe ☃", " padded ", '"two\nlines"', "x" * 3000]
    amounts = ["1e39", "-0.0", "", "inf", "1e-45", "3", "-2.5"]
    lines = (
        f"{i},{words[i % 7]},{amounts[i * 3 % 7]},,{'one' if i % 50 == 0 else ''},7,{2**62 - i}\n"
        for i in range(rows)
    )
    return "id,word,amount,empty,rare,same,large\n" + "".join(lines)


@pytest.mark.parametrize("data", ["taxi", "nasty"])
def test_statistics_are_those_of_tfx(tmp_path, data):
    from tfx.components.statistics_gen import executor as stock

    from tfx_pipeline.components.statistics_gen import executor

    source = TAXI.parent
    if data == "nasty":
        source = ingestion.write(tmp_path / "data" / "t.csv", nasty()).parent
    examples, _, _ = ingestion.ingest(tmp_path, source)
    ours = statistics(AsNode(executor.Executor), examples, tmp_path / "ours")
    theirs = statistics(stock.Executor(), examples, tmp_path / "theirs")
    assert ours.keys() == theirs.keys()
    for split, expected in theirs.items():
        (found,), (wanted,) = ours[split].datasets, expected.datasets
        assert found.num_examples == wanted.num_examples
        for feature, stock_feature in zip(found.features, wanted.features, strict=True):
            assert approximately.equal(
                as_numbers(feature), as_numbers(stock_feature), relative=ROUNDING, absolute=1e-12
            ), feature.path


def test_a_split_without_files_is_an_error_that_names_it(tmp_path):
    from tfx.types import artifact_utils, standard_artifacts

    from tfx_pipeline import errors
    from tfx_pipeline.components.statistics_gen import executor

    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path)
    examples.split_names = artifact_utils.encode_split_names(["train"])
    with pytest.raises(errors.NodeError, match="no files for the split 'train'"):
        statistics(AsNode(executor.Executor), examples, tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "log"),
    [
        ({}, "from record batches"),
        ({"exclude_splits": ["eval"]}, "from record batches: train, test"),
        ({"num_top_values": 3}, "by TFX's executor, because stats_options is given"),
    ],
)
def test_the_arguments_of_tfx_give_its_artifact(tmp_path, caplog, options, log):
    import tensorflow_data_validation as tfdv
    from tfx import types
    from tfx.components.statistics_gen import component as stock
    from tfx.types import standard_artifacts

    from tfx_pipeline.components import StatisticsGen

    examples, _, _ = ingestion.ingest(tmp_path, TAXI.parent)
    arguments = dict(options)
    if "num_top_values" in arguments:
        arguments = {"stats_options": tfdv.StatsOptions(**options)}
    artifacts = {}
    for component in (stock.StatisticsGen, StatisticsGen):
        channel = types.Channel(type=standard_artifacts.Examples)
        node = component(examples=channel, **arguments)
        artifact = standard_artifacts.ExampleStatistics()
        artifact.uri = str(tmp_path / component.__module__)
        properties = {k: v for k, v in node.spec.exec_properties.items() if v is not None}
        with caplog.at_level("INFO"):
            executor = node.executor_spec.executor_class()
            executor.Do({"examples": [examples]}, {"statistics": [artifact]}, properties)
        artifacts[component] = artifact
    theirs, ours = artifacts.values()
    assert log in caplog.text
    assert ours.mlmd_artifact.properties == theirs.mlmd_artifact.properties
    names = ["sample_rate_by_split", "stats_dashboard_link"]
    for name in names:
        one, other = (a.mlmd_artifact.custom_properties[name] for a in (ours, theirs))
        assert str(one).replace(ours.uri, "") == str(other).replace(theirs.uri, "")
    assert laid_out(ours.uri) == laid_out(theirs.uri)


def laid_out(folder):
    """The files below a folder, with their statistics."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    result = {}
    for path in pathlib.Path(folder).rglob("*.pb"):
        parsed = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
        features = {str(f.path): len(f.SerializeToString()) for f in parsed.datasets[0].features}
        result[str(path.relative_to(folder))] = (parsed.datasets[0].num_examples, features)
    return result


def test_a_split_without_rows_is_what_tfx_makes_of_it(tmp_path):
    import tensorflow as tf
    from tfx.components.statistics_gen import executor as stock
    from tfx.types import artifact_utils, standard_artifacts

    from tfx_pipeline.components.statistics_gen import executor

    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / "examples")
    examples.split_names = artifact_utils.encode_split_names(["train"])
    (tmp_path / "examples" / "Split-train").mkdir(parents=True)
    path = tmp_path / "examples" / "Split-train" / "data_tfrecord-00000-of-00001.gz"
    tf.io.TFRecordWriter(str(path), "GZIP").close()
    ours = statistics(AsNode(executor.Executor), examples, tmp_path / "ours")
    theirs = statistics(stock.Executor(), examples, tmp_path / "theirs")
    assert ours == theirs
