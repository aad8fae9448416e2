"""SchemaGen: TFX's schema, inferred over all splits."""

from __future__ import annotations

import pathlib

import pytest

pytestmark = pytest.mark.tensorflow

FULL = {"id": [1, 2, 3, 4], "word": ["a", "b", "a", "b"], "amount": [0.5, 1.5, 2.5, 3.5]}
EMPTY = {"id": [5, 6, 7, 8], "word": [None] * 4, "amount": [None] * 4}
OTHER = {"id": [5, 6, 7, 8], "word": ["c", None, "b", "a"], "amount": [1.0] * 4}


def statistics(folder, splits):
    """An artifact with the statistics of each split."""
    import pyarrow as pa
    from tfx.types import artifact_utils, standard_artifacts

    types = {"id": pa.int64(), "word": pa.binary(), "amount": pa.float32()}
    artifact = standard_artifacts.ExampleStatistics()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(list(splits))
    for name, columns in splits.items():
        arrays = [
            pa.array([None if v is None else [v] for v in values], pa.list_(types[column]))
            if any(v is not None for v in values)
            else pa.nulls(len(values))
            for column, values in columns.items()
        ]
        batch = pa.RecordBatch.from_arrays(arrays, list(columns))
        path = pathlib.Path(folder, f"Split-{name}", "FeatureStats.pb")
        path.parent.mkdir(parents=True)
        result = in_memory(batch)
        path.write_bytes(result.SerializeToString())
    return artifact


def in_memory(batch):
    from tensorflow_data_validation.statistics import stats_impl, stats_options

    return stats_impl.generate_statistics_in_memory(batch, stats_options.StatsOptions())


def inferred(component, folder, artifact, **arguments):
    from tensorflow_data_validation import load_schema_text
    from tfx import types
    from tfx.types import standard_artifacts

    node = component(
        statistics=types.Channel(type=standard_artifacts.ExampleStatistics), **arguments
    )
    properties = {k: v for k, v in node.spec.exec_properties.items() if v is not None}
    output = standard_artifacts.Schema()
    output.uri = str(folder)
    folder.mkdir()
    executor = node.executor_spec.executor_class()
    executor.Do({"statistics": [artifact]}, {"schema": [output]}, properties)
    return load_schema_text(str(folder / "schema.pbtxt"))


@pytest.mark.parametrize("infer_shape", [True, False])
@pytest.mark.parametrize("order", ["empty first", "empty last"])
def test_a_column_that_is_empty_in_one_split_has_its_type(tmp_path, order, infer_shape):
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import schema_pb2

    from tfx_pipeline.components import SchemaGen

    splits = {"train": FULL, "eval": OTHER, "test": EMPTY}
    if order == "empty first":
        splits = {"train": EMPTY, "eval": FULL, "test": OTHER}
    artifact = statistics(tmp_path / "s", splits)
    schema = inferred(SchemaGen, tmp_path / "out", artifact, infer_feature_shape=infer_shape)
    found = {f.name: f for f in schema.feature}
    assert found["word"].type == schema_pb2.BYTES
    assert found["amount"].type == schema_pb2.FLOAT
    assert not any(f.lifecycle_stage == schema_pb2.DEPRECATED for f in schema.feature)
    for name in splits:
        path = tmp_path / "s" / f"Split-{name}" / "FeatureStats.pb"
        anomalies = tfdv.validate_statistics(tfdv.load_stats_binary(str(path)), schema)
        assert not anomalies.anomaly_info, name


@pytest.mark.parametrize("arguments", [{}, {"infer_feature_shape": False}])
@pytest.mark.parametrize(
    "splits",
    [
        {"train": FULL, "eval": OTHER},
        {"train": EMPTY, "eval": EMPTY},
    ],
)
def test_otherwise_the_schema_is_that_of_tfx(tmp_path, splits, arguments):
    from tfx.components.schema_gen import component as stock

    from tfx_pipeline.components import SchemaGen

    artifact = statistics(tmp_path / "s", splits)
    ours = inferred(SchemaGen, tmp_path / "ours", artifact, **arguments)
    assert ours == inferred(stock.SchemaGen, tmp_path / "theirs", artifact, **arguments)
