"""CsvExampleGen: the artifact of TFX's component, with the same arguments."""

from __future__ import annotations

import pathlib

import pytest

from tests.components.example_gen.ingestion import many, write
from tests.components.example_gen.test_example_gen import NASTY, TAXI

pytestmark = pytest.mark.tensorflow

FAST = "CsvExampleGen: column by column"
QUOTED = many("id,name,empty\n", '{i},"a, ""b"" {i}",\n')
NOT_PLAIN = {
    "a quote in a word": many("id,size\n", '{i},a 5" pipe {i}" \n'),
    "a field of two lines": NASTY,
    "a byte order mark": "\ufeff" + many("id,x\n", "{i},1\n"),
    "a quoted header": many('"id",x\n', "{i},1\n"),
    "blanks around the header": many(" id,x \n", "{i},1\n"),
    "one column": many("id\n", "{i}\n\n"),
}


def produced(component, folder, source, **arguments):
    """The artifact that a component makes with its own driver and executor."""
    from tfx.types import standard_artifacts

    node = component(input_base=str(source), **arguments)
    properties = {k: v for k, v in node.spec.exec_properties.items() if v is not None}
    properties = {k: v if isinstance(v, int | str) else as_json(v) for k, v in properties.items()}
    resolved = node.driver_class(None).resolve_exec_properties(properties, None, None)
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder)
    node.executor_spec.executor_class().Do({}, {"examples": [artifact]}, resolved)
    return artifact


def as_json(message):
    from tfx.utils import proto_utils

    return proto_utils.proto_to_json(message)


def content(artifact):
    """The files' names, and the records of each split, as messages in a fixed order."""
    import tensorflow as tf

    files = sorted(p for p in pathlib.Path(artifact.uri).rglob("*") if p.is_file())
    records = {}
    for path in files:
        dataset = tf.data.TFRecordDataset(str(path), "GZIP")
        parsed = (tf.train.Example.FromString(r) for r in dataset.as_numpy_iterator())
        records[str(path.relative_to(artifact.uri))] = sorted(
            example.SerializeToString(deterministic=True) for example in parsed
        )
    return records


def both(tmp_path, source, **arguments):
    from tfx.components.example_gen.csv_example_gen import component as stock

    from tfx_pipeline.components import CsvExampleGen

    ours = produced(CsvExampleGen, tmp_path / "ours", source, **arguments)
    theirs = produced(stock.CsvExampleGen, tmp_path / "theirs", source, **arguments)
    assert content(ours) == content(theirs)
    assert ours.mlmd_artifact.properties == theirs.mlmd_artifact.properties
    assert ours.mlmd_artifact.custom_properties == theirs.mlmd_artifact.custom_properties
    return content(ours)


def test_the_real_table_gives_the_artifact_of_tfx(tmp_path, caplog):
    with caplog.at_level("INFO"):
        records = both(tmp_path, TAXI.parent)
    assert FAST in caplog.text
    assert sum(map(len, records.values())) == 15_002


def test_quoted_fields_and_empty_cells(tmp_path, caplog):
    source = write(tmp_path / "data" / "t.csv", QUOTED).parent
    with caplog.at_level("INFO"):
        both(tmp_path, source)
    assert FAST in caplog.text


@pytest.mark.parametrize("why", NOT_PLAIN)
def test_what_arrow_may_read_otherwise_is_left_to_tfx(tmp_path, caplog, why):
    source = write(tmp_path / "data" / "t.csv", NOT_PLAIN[why]).parent
    with caplog.at_level("INFO"):
        both(tmp_path, source)
    assert "CsvExampleGen: by TFX's executor, because" in caplog.text


@pytest.mark.parametrize("fast", [True, False])
def test_output_splits(tmp_path, caplog, fast):
    from tfx.proto import example_gen_pb2

    source = write(tmp_path / "data" / "t.csv", many("id,x\n", "{i},a{i}\n")).parent
    config = example_gen_pb2.Output()
    for name, buckets in (("a", 3), ("b", 1), ("c", 4)):
        config.split_config.splits.add(name=name, hash_buckets=buckets)
    if not fast:
        config.split_config.partition_feature_name = "x"
    with caplog.at_level("INFO"):
        both(tmp_path, source, output_config=config)
    assert (FAST in caplog.text) == fast


def test_input_splits_have_types_of_their_own_and_spans(tmp_path, caplog):
    from tfx.proto import example_gen_pb2

    for span in (1, 2):
        write(tmp_path / f"d/span-{span}/train/t.csv", many("id,x\n", f"{{i}},{span}\n"))
        write(tmp_path / f"d/span-{span}/eval/e.csv", many("id,x\n", "{i},text\n"))
    config = example_gen_pb2.Input()
    for name in ("train", "eval"):
        config.splits.add(name=name, pattern=f"span-{{SPAN}}/{name}/*")
    with caplog.at_level("INFO"):
        records = both(tmp_path, tmp_path / "d", input_config=config)
    assert FAST in caplog.text
    assert all(len(rows) == 60 for rows in records.values())


def test_a_table_that_tfx_refuses_is_refused_by_tfx(tmp_path):
    from tfx_pipeline.components import CsvExampleGen

    source = write(tmp_path / "data" / "t.csv", "id,x\n1,2\n3\n").parent
    with pytest.raises(Exception, match=r"Invalid CSV line|Columns do not match"):
        produced(CsvExampleGen, tmp_path / "out", source)
