"""The export check's executor on a few rows, and a Transform graph for them."""

from __future__ import annotations

import json
import pathlib

import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import standard_artifacts

from tests.components import harness
from tests.components.export_check.findings import ROWS
from tfx_pipeline.compat import in_process_beam
from tfx_pipeline.components.export_check import executor


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def examples(folder):
    return harness.examples(folder / "examples", ROWS)


@pytest.fixture
def check(tmp_path, examples):
    """Runs the executor; returns (blessing, findings). Its attribute `notes` has the messages."""

    def run(model, graph=None, schema=True, **properties):
        blessing = harness.artifact(standard_artifacts.InfraBlessing, tmp_path / "blessing")
        model.id = 7
        inputs = {"model": [model], "examples": [examples]}
        if graph is not None:
            inputs["transform_graph"] = [harness.artifact(standard_artifacts.TransformGraph, graph)]
        if schema:
            inputs["schema"] = [harness.schema(tmp_path / "schema")]
        result = executor.Executor().Do(
            inputs,
            {"blessing": [blessing]},
            {"label": harness.LABEL, "split": "test", "unusual_rows": 1, **properties},
        )
        text = result.execution_result.result_message if result is not None else ""
        run.notes = text
        blessing = harness.published(result, blessing, "blessing")
        assert blessing.get_int_custom_property("current_model_id") == 7
        assert blessing.get_string_custom_property("current_model") == model.uri
        return blessing, json.loads(blessing.get_string_custom_property("findings") or "[]")

    return run


@pytest.fixture(scope="module")
def graph(folder) -> pathlib.Path:
    """A Transform graph: miles standardised, city numbered."""
    schema = text_format.Parse(harness.SCHEMA, schema_pb2.Schema())
    spec = tft.DatasetMetadata.from_feature_spec(
        {
            "miles": tf.io.FixedLenFeature([1], tf.float32),
            "hour": tf.io.VarLenFeature(tf.int64),
            "city": tf.io.VarLenFeature(tf.string),
            "big": tf.io.FixedLenFeature([1], tf.int64),
        }
    )
    rows = [{"city": [], **{name: [value] for name, value in row.items()}} for row in ROWS]

    def preprocess(inputs):
        city = tf.sparse.to_dense(inputs["city"], "")
        return {
            "miles_z": tft.scale_to_z_score(inputs["miles"]),
            "rome": tf.cast(tf.reduce_any(city == "Rome", axis=1, keepdims=True), tf.float32),
            "big": inputs["big"],
        }

    with in_process_beam.patched(), tft_beam.Context(temp_dir=str(folder / "tmp")):
        _, fn = (rows, spec) | tft_beam.AnalyzeAndTransformDataset(preprocess)
        _ = fn | tft_beam.WriteTransformFn(str(folder / "graph"))
    metadata = folder / "graph" / "metadata"
    metadata.mkdir(exist_ok=True)
    (metadata / "schema.pbtxt").write_text(text_format.MessageToString(schema))
    return folder / "graph"
