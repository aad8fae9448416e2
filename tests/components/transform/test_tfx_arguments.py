"""Transform with TFX's arguments alone: TFX's code, over record batches."""

from __future__ import annotations

import json
import pathlib

import pytest

from tests import approximately
from tests.components.transform.test_transform import FUNCTION, SCHEMA, rows_of
from tfx_pipeline.errors import NodeError

pytestmark = pytest.mark.tensorflow

TEXTS = ("pre_transform_schema", "post_transform_schema")


def outputs_of(executor, folder, examples, schema, cache=None, **chosen):
    """All outputs that TFX's Transform has by default.

    Args:
      executor: the class.
      folder: for the outputs.
      examples: an artifact.
      schema: an artifact.
      cache: the folder of an analyzer cache to read.
      chosen: exec properties, instead of a function by dotted path.
    """
    from tfx.types import standard_artifacts as artifacts

    classes = {
        "transform_graph": artifacts.TransformGraph,
        "transformed_examples": artifacts.Examples,
        "updated_analyzer_cache": artifacts.TransformCache,
        "pre_transform_schema": artifacts.Schema,
        "pre_transform_stats": artifacts.ExampleStatistics,
        "post_transform_schema": artifacts.Schema,
        "post_transform_stats": artifacts.ExampleStatistics,
        "post_transform_anomalies": artifacts.ExampleAnomalies,
    }
    outputs = {}
    for key, cls in classes.items():
        artifact = cls()
        artifact.uri = str(folder / key)
        pathlib.Path(artifact.uri).mkdir(parents=True)
        outputs[key] = [artifact]
    properties = {"force_tf_compat_v1": 0, "disable_statistics": 0}
    properties |= chosen or {"preprocessing_fn": FUNCTION}
    properties["custom_config"] = json.dumps({"factor": 10.0, "schema": SCHEMA})
    context = executor.Context(beam_pipeline_args=[], tmp_dir=str(folder), unique_id="1")
    inputs = {"examples": [examples], "schema": [schema]}
    if cache is not None:
        inputs["analyzer_cache"] = [artifacts.TransformCache()]
        inputs["analyzer_cache"][0].uri = str(cache)
    executor(context).Do(inputs, outputs, properties)
    return {key: pathlib.Path(artifact.uri) for key, (artifact,) in outputs.items()}


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A folder, examples and their schema."""
    from tfx.types import standard_artifacts

    from tests.components.example_gen import ingestion

    folder = tmp_path_factory.mktemp("tfx")
    rows = "".join(f"{i}.5,kind{i % 3},{i % 2}\n" for i in range(200))
    ingestion.write(folder / "data" / "a.csv", "fare,kind,label\n" + rows)
    path = ingestion.write(folder / "schema" / "schema.pbtxt", SCHEMA)
    examples, _, _ = ingestion.ingest(folder, folder / "data", schema_path=str(path))
    schema = standard_artifacts.Schema()
    schema.uri = str(folder / "schema")
    return folder, examples, schema


@pytest.fixture(scope="module")
def both(given):
    """The outputs of our executor and of TFX's, on the same table."""
    from tfx.components.transform import executor as tfx_executor

    from tfx_pipeline.components.transform import executor

    folder, examples, schema = given
    return tuple(
        outputs_of(module.Executor, folder / name, examples, schema)
        for name, module in {"ours": executor, "stock": tfx_executor}.items()
    )


@pytest.mark.parametrize("split", ["train", "eval", "test"])
def test_rows(both, split):
    ours, stock = (
        rows_of(str(made["transform_graph"]), str(made["transformed_examples"]), split)
        for made in both
    )
    assert len(ours) > 20
    assert approximately.equal(ours, stock)


@pytest.mark.parametrize("key", TEXTS)
def test_schemas(both, key):
    ours, stock = ((made[key] / "schema.pbtxt").read_text() for made in both)
    assert "feature" in ours
    assert ours == stock


@pytest.mark.parametrize("key", ["pre_transform_stats", "post_transform_stats"])
def test_statistics(both, key):
    import tensorflow_data_validation as tfdv
    from google.protobuf.json_format import MessageToDict

    ours, stock = (
        tfdv.load_stats_binary(str(next(made[key].rglob("FeatureStats.pb")))) for made in both
    )
    assert ours.datasets[0].num_examples > 100
    assert approximately.equal(MessageToDict(ours), MessageToDict(stock))


def test_the_other_files(both):
    """Of the same kinds: names of temporary files differ."""
    keys = ("transform_graph", "updated_analyzer_cache", "post_transform_anomalies")
    ours, stock = (
        {
            key: sorted({path.relative_to(made[key]).parts[0] for path in made[key].rglob("*")})
            for key in keys
        }
        for made in both
    )
    assert all(ours.values())
    assert ours == stock


def test_anomalies(both):
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    ours, stock = (
        anomalies_pb2.Anomalies.FromString(
            next(made["post_transform_anomalies"].rglob("SchemaDiff.pb")).read_bytes()
        )
        for made in both
    )
    assert ours == stock


def test_examples_are_written_as_tfx_names_them(both):
    ours, stock = (
        sorted(str(p.relative_to(made["transformed_examples"])) for p in
               made["transformed_examples"].rglob("*"))
        for made in both
    )  # fmt: skip
    assert "Split-eval/transformed_examples-00000-of-00001.gz" in ours
    assert ours == stock


def test_a_module_file_and_an_analyzer_cache(given, both):
    from tests.components import user_functions
    from tfx_pipeline.components.transform import executor

    again = outputs_of(
        executor.Executor,
        *(given[0] / "again", given[1], given[2]),
        cache=both[0]["updated_analyzer_cache"],
        module_file=user_functions.__file__,
        disable_statistics=1,
    )
    ours, stock = (
        rows_of(str(made["transform_graph"]), str(made["transformed_examples"]), "eval")
        for made in (again, both[1])
    )
    assert approximately.equal(ours, stock)


def test_a_split_without_rows_has_an_empty_file(tmp_path):
    import apache_beam as beam
    import tensorflow as tf
    from tensorflow_metadata.proto.v0 import schema_pb2

    from tfx_pipeline.components.transform import tfx_files

    output = tfx_files.Output()
    prefix = tmp_path / "Split-eval" / "transformed_examples"
    with beam.Pipeline() as pipeline:
        pairs = pipeline | beam.Create([], reshuffle=False)
        _ = pairs | output.write(schema_pb2.Schema(), str(prefix))
    output.publish()
    (file,) = prefix.parent.iterdir()
    assert file.name == "transformed_examples-00000-of-00001.gz"
    assert list(tf.data.TFRecordDataset(str(file), "GZIP")) == []


def test_files_that_are_not_there_are_named(tmp_path):
    from tensorflow_metadata.proto.v0 import schema_pb2

    from tfx_pipeline.components.transform import tfx_files

    with pytest.raises(NodeError, match=r"the examples have no files: .*Split-x"):
        tfx_files.read(str(tmp_path / "Split-x" / "*"), schema_pb2.Schema())
