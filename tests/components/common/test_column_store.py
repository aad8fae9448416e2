"""Columns beside the examples: the very batches that decoding the records gives."""

from __future__ import annotations

import pathlib

import pytest

from tests.components.example_gen import ingestion
from tests.components.example_gen.test_example_gen import NASTY, TAXI

pytestmark = pytest.mark.tensorflow


def records_of(artifact, split="train"):
    (path,) = pathlib.Path(artifact.uri, f"Split-{split}").iterdir()
    return str(path)


def decoded(path, schema=None):
    from tfx_bsl.coders import example_coder

    from tfx_pipeline.components.common import column_store, example_files

    serialized = schema.SerializeToString() if schema is not None else None
    decoder = example_coder.ExamplesToRecordBatchDecoder(serialized)
    return [decoder.DecodeBatch(b) for b in example_files.batches(path, column_store.ROWS)]


def read(path, schema=None):
    from tfx_pipeline.components.common import column_store

    return list(column_store.read(path, schema))


def schema(**features):
    from tensorflow_metadata.proto.v0 import schema_pb2

    result = schema_pb2.Schema()
    for name, kind in features.items():
        result.feature.add(name=name, type=schema_pb2.FeatureType.Value(kind))
    return result


def nasty(rows):
    body = NASTY.split("\n", 1)[1]
    return NASTY + "".join(body.replace("plain", f"plain {i}") for i in range(rows // 8))


@pytest.fixture(params=["taxi", "nasty"])
def examples(request, tmp_path):
    source = TAXI.parent
    if request.param == "nasty":
        source = ingestion.write(tmp_path / "data" / "nasty.csv", nasty(20_000)).parent
    return ingestion.ingest(tmp_path, source)[0]


@pytest.mark.parametrize("split", ["train", "eval", "test"])
def test_columns_are_the_decoded_records(examples, split):
    path = records_of(examples, split)
    ours, theirs = read(path), decoded(path)
    assert len(ours) == len(theirs)
    for found, expected in zip(ours, theirs):
        found.validate(full=True)
        assert found.schema == expected.schema
        # Not by ==, for which NaN is unlike itself.
        assert str(found.to_pydict()) == str(expected.to_pydict())


def test_a_schema_picks_orders_and_types_columns(tmp_path):
    examples = ingestion.ingest(tmp_path, TAXI.parent)[0]
    # One row has a census tract, no row has the last column.
    wanted = schema(company="BYTES", pickup_census_tract="INT", fare="FLOAT", nowhere="INT")
    for split in ingestion.SPLIT:
        path = records_of(examples, split)
        for found, expected in zip(read(path, wanted), decoded(path, wanted), strict=True):
            assert found.schema == expected.schema
            assert found.equals(expected)


def test_a_type_that_the_columns_do_not_have_is_left_to_the_decoder(examples):
    from tfx_pipeline.components.common import column_store

    name = next(n for n in ("fare", "amount") if n in read(records_of(examples))[0].schema.names)
    assert column_store.read(records_of(examples), schema(**{name: "BYTES"})) is None


def test_examples_without_columns_are_decoded(tmp_path):
    import apache_beam as beam
    import tensorflow as tf
    from apache_beam.testing import util

    from tfx_pipeline.components.common import column_store
    from tfx_pipeline.components.common.record_batches import ReadRecordBatches

    path = str(tmp_path / "Split-train" / "data.gz")
    (tmp_path / "Split-train").mkdir()
    example = tf.train.Example()
    example.features.feature["x"].int64_list.value.extend([1, 2])
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        writer.write(example.SerializeToString())
    assert column_store.read(path) is None
    with beam.Pipeline() as pipeline:
        pairs = pipeline | ReadRecordBatches({"train": [path]})
        found = pairs | beam.MapTuple(lambda key, batch: (key, batch.to_pydict()))
        util.assert_that(found, util.equal_to([("train", {"x": [[1, 2]]})]))


def test_columns_need_no_local_disk(tmp_path, monkeypatch):
    """By TFX's file system, as on an object store."""
    from tfx_pipeline.components.common import column_store

    artifact = ingestion.ingest(tmp_path, TAXI.parent)[0]
    path = records_of(artifact)
    expected = read(path)
    monkeypatch.setattr(column_store, "is_remote", lambda path: True)
    assert all(a.equals(b) for a, b in zip(read(path), expected, strict=True))
    remote = ingestion.ingest(tmp_path / "remote", TAXI.parent)[0]
    monkeypatch.undo()
    assert all(a.equals(b) for a, b in zip(read(records_of(remote)), expected, strict=True))
