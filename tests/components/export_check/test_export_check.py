"""What the export check refuses, and what it lets pass."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
import tf_keras
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_serving.apis import prediction_log_pb2
from tfx.types import standard_artifacts

from tests.components import harness
from tfx_pipeline import errors
from tfx_pipeline.compat.autograph_rules import keras_not_converted
from tfx_pipeline.components.export_check import adversarial_rows, checks, executor
from tfx_pipeline.report import file_names

pytestmark = pytest.mark.tensorflow

ROWS = harness.rows(80)


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


def rules(findings) -> dict[str, set[str]]:
    result: dict[str, set[str]] = {}
    for finding in findings:
        result.setdefault(finding["subject"], set()).add(finding["rule"])
    return result


def test_a_good_export_is_blessed_as_tfx_does(check, tmp_path):
    blessing, findings = check(harness.save(tmp_path / "model", harness.Scoring()))
    assert findings == []
    assert blessing.get_int_custom_property("blessed") == 1
    assert sorted(os.listdir(blessing.uri)) == ["INFRA_BLESSED", "export_check.json"]


def details(blessing) -> dict:
    with open(os.path.join(blessing.uri, file_names.EXPORT_CHECK)) as file:
        return json.load(file)


def test_what_was_checked_is_written_for_the_report(check, tmp_path):
    module = harness.Scoring()
    module.add = tf.function(
        lambda x: {"y": x + module.weight}, input_signature=[tf.TensorSpec([2, 2], tf.float32)]
    )
    model = harness.save(tmp_path / "model", module, serving_default=module.serve, add=module.add)
    blessing, _ = check(model)
    found = details(blessing)
    assert found["signatures"] == {"serving_default": ["probabilities"]}
    assert found["not_checked"] == ["add"]
    assert found["real_rows"] == min(64, len(ROWS))
    assert len(found["unusual_rows"]) > 5
    assert found["findings"] == []


def test_a_model_that_does_not_load_has_no_rows_but_findings(check, tmp_path):
    blessing, findings = check(harness.artifact(standard_artifacts.Model, tmp_path / "model"))
    found = details(blessing)
    assert (found["real_rows"], found["signatures"], found["findings"]) == (0, {}, findings)


def test_a_keras_3_export_is_refused(check, tmp_path):
    """It loads and answers in Python; in a server's session its variables are missing."""
    target = tmp_path / "model" / "Format-Serving"
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", KERAS_3, target], env=environment, check=True)
    in_python = tf.saved_model.load(str(target)).signatures["serving_default"]
    rows = tf.constant([harness.example(row) for row in ROWS[:2]])
    assert in_python(examples=rows)["probabilities"].shape == (2, 2)
    model = harness.artifact(standard_artifacts.Model, tmp_path / "model")
    blessing, findings = check(model)
    assert blessing.get_int_custom_property("blessed") == 0
    assert "INFRA_NOT_BLESSED" in os.listdir(blessing.uri)
    assert "INFRA_BLESSED" not in os.listdir(blessing.uri)
    (found,) = (f["found"] for f in findings if "Could not find variable" in f["found"])
    assert "set TF_USE_LEGACY_KERAS=1" in found


KERAS_3 = """
import sys
import tensorflow as tf

assert tf.keras.__version__.startswith("3.")
model = tf.keras.Sequential([tf.keras.layers.Input((1,)), tf.keras.layers.Dense(1)])

@tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
def serve(examples):
    spec = {"miles": tf.io.FixedLenFeature([], tf.float32, 0.0)}
    yes = tf.sigmoid(model(tf.io.parse_example(examples, spec)["miles"][:, None]))
    return {"probabilities": tf.concat([1 - yes, yes], axis=1)}

model.serve = serve
tf.saved_model.save(model, sys.argv[1], signatures={"serving_default": serve})
"""


def asserting(raw):
    """As tf.keras' CategoryEncoding: one unusual value fails the whole request."""
    with tf.control_dependencies([tf.debugging.assert_less(raw["hour"], tf.int64.max)]):
        return tf.sigmoid(harness.clean(raw["miles"]))


def not_finite(raw):
    return tf.sigmoid(tf.math.log(harness.clean(raw["miles"]) + 1e6) * 0 + raw["miles"] * 0)


def by_neighbours(raw):
    miles = harness.clean(raw["miles"])
    return tf.sigmoid(miles - tf.reduce_mean(miles))


@pytest.mark.parametrize(
    ("yes", "rule", "found"),
    [
        (asserting, "answers every row", "hour largest"),
        (not_finite, "probabilities are finite", "and 4 more rows: [nan nan]"),
        (lambda raw: harness.clean(raw["miles"]), "probabilities are between 0 and 1", "row 1"),
        (by_neighbours, "same answer alone and in a batch", "probabilities of"),
        (lambda raw: tf.sigmoid(raw["miles"])[:1], "one result for each row", "[1, 2]"),
    ],
)
def test_an_export_that_answers_badly_is_refused(check, tmp_path, yes, rule, found):
    module = harness.Scoring(yes)
    blessing, findings = check(
        harness.save(tmp_path / "model", module, serving_default=module.serve)
    )
    assert blessing.get_int_custom_property("blessed") == 0
    matching = [f["found"] for f in findings if f["rule"] == rule]
    assert matching, findings
    assert found in matching[0]


def test_columns_with_other_outputs_are_refused(check, tmp_path):
    good, other = harness.Scoring(), harness.Scoring(lambda raw: tf.sigmoid(raw["miles"] - 4))
    good.other = other
    model = harness.save(
        tmp_path / "model", good, serving_default=good.serve, columns=other.columns
    )
    _, findings = check(model)
    assert rules(findings) == {"columns": {"same answer as serving_default"}}


def test_an_export_without_serving_default_is_refused(check, tmp_path):
    module = harness.Scoring()
    _, findings = check(harness.save(tmp_path / "model", module, predict=module.serve))
    assert rules(findings) == {"model": {"has the signature serving_default"}}
    assert findings[0]["found"] == "it has predict"


def test_a_folder_without_a_model_is_refused(check, tmp_path):
    model = harness.artifact(standard_artifacts.Model, tmp_path / "model")
    _, findings = check(model)
    assert rules(findings) == {"model": {"loads in a graph session"}}


def test_a_signature_that_takes_something_else_is_left_alone(check, tmp_path):
    module = harness.Scoring()
    module.add = tf.function(
        lambda x: {"y": x + module.weight}, input_signature=[tf.TensorSpec([2, 2], tf.float32)]
    )
    model = harness.save(tmp_path / "model", module, serving_default=module.serve, add=module.add)
    assert check(model)[1] == []


def _needs_label(module):
    """As `transform_features` of TFX's templates: it reads the label as well."""
    spec = {**harness.SPEC, harness.LABEL: tf.io.FixedLenFeature([], tf.int64)}
    signature = [tf.TensorSpec([None], tf.string, name="examples")]
    return tf.function(
        lambda examples: {"label": tf.io.parse_example(examples, spec)[harness.LABEL]},
        input_signature=signature,
    )


def test_a_signature_that_needs_the_label_gets_it(check, tmp_path):
    module = harness.Scoring()
    module.features = _needs_label(module)
    model = harness.save(
        tmp_path / "model", module, serving_default=module.serve, features=module.features
    )
    assert check(model)[1] == []


def test_clients_need_not_send_the_label(check, tmp_path):
    module = harness.Scoring()
    module.features = _needs_label(module)
    _, findings = check(harness.save(tmp_path / "model", module, serving_default=module.features))
    assert findings[0]["subject"] == "serving_default"
    assert f"Feature: {harness.LABEL}" in findings[0]["found"]


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        (1.0, np.inf, "y of a row: [1.] and [inf]"),
        (np.inf, 1.0, "y of a row: [inf] and [1.]"),
        (np.inf, -np.inf, "y of a row: [inf] and [-inf]"),
        (np.inf, np.inf, ""),
        (np.nan, np.nan, ""),
        (1.0, 1.0001, "y of a row: [1.] and [1.0001]"),
        (1.0, 1.000001, ""),
    ],
)
def test_numbers_of_a_real_row_may_differ_by_rounding_only(left, right, found):
    row = adversarial_rows.Row("a row", tf.train.Example(), real=True)
    outputs = {"y": np.array([[left]])}, {"y": np.array([[right]])}
    assert checks.difference(*outputs, [row]) == found


def test_without_rows_nothing_can_be_said(check, tmp_path, monkeypatch):
    model = harness.save(tmp_path / "model", harness.Scoring())
    monkeypatch.setattr(executor.example_files, "head", lambda *_: [])
    with pytest.raises(errors.NodeError, match="no rows"):
        check(model)


@pytest.mark.parametrize(
    ("graph_name", "note"),
    [(None, "there is no transform_graph"), ("missing", "Transform's graph: ")],
)
def test_a_comparison_that_is_not_possible_is_a_note(check, tmp_path, graph_name, note):
    graph = graph_name and tmp_path / graph_name
    assert check(harness.save(tmp_path / "model", harness.Scoring()), graph)[1] == []
    assert "not compared with Transform and model" in check.notes
    assert note in check.notes


def test_a_model_that_is_no_keras_model_is_a_note(check, tmp_path, graph):
    assert check(harness.save(tmp_path / "model", harness.Scoring()), graph)[1] == []
    assert "the model: " in check.notes


def test_unusual_rows_are_sent_without_a_schema_too_unless_switched_off(check, tmp_path):
    module = harness.Scoring(asserting)
    model = harness.save(tmp_path / "model", module, serving_default=module.serve)
    _, findings = check(model, schema=False)
    assert findings[0]["found"].startswith("hour largest: ")
    assert check(model, schema=False, unusual_rows=0)[1] == []


def test_a_split_that_is_not_there_is_named(check, tmp_path):
    model = harness.save(tmp_path / "model", harness.Scoring())
    with pytest.raises(errors.NodeError, match="no split 'evil'"):
        check(model, split="evil")


def write_warmup(model, *records: bytes) -> None:
    path = pathlib.Path(model.uri) / "Format-Serving/assets.extra/tf_serving_warmup_requests"
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def predict_log(signature: str, **inputs) -> bytes:
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    for name, values in inputs.items():
        log.predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return log.SerializeToString()


def test_warm_up_requests_must_be_answered(check, tmp_path):
    model = harness.save(tmp_path / "model", harness.Scoring())
    write_warmup(
        model,
        predict_log("serving_default", examples=[harness.example(ROWS[0])]),
        predict_log("nowhere", examples=[b""]),
        predict_log("serving_default", examples=[b"no tf.Example"]),
        b"no PredictionLog",
    )
    _, findings = check(model)
    assert [f["found"][:9] for f in findings] == ["request 2", "request 3", "request 4"]
    assert "there is no signature 'nowhere'" in findings[0]["found"]


def test_a_warm_up_file_that_is_none_is_refused(check, tmp_path):
    model = harness.save(tmp_path / "model", harness.Scoring())
    write_warmup(model)
    path = pathlib.Path(model.uri) / "Format-Serving/assets.extra/tf_serving_warmup_requests"
    path.write_bytes(b"hello, this is no TFRecord at all")
    _, findings = check(model)
    assert [f["rule"] for f in findings] == ["is a TFRecord of PredictionLogs"]


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

    with beam.Pipeline(), tft_beam.Context(temp_dir=str(folder / "tmp")):
        _, fn = (rows, spec) | tft_beam.AnalyzeAndTransformDataset(preprocess)
        _ = fn | tft_beam.WriteTransformFn(str(folder / "graph"))
    metadata = folder / "graph" / "metadata"
    metadata.mkdir(exist_ok=True)
    (metadata / "schema.pbtxt").write_text(text_format.MessageToString(schema))
    return folder / "graph"


def keras_model(folder, graph, factor: float, save_traces: bool = True):
    """A Keras model on transformed features; its export multiplies miles by `factor` first."""
    inputs = {name: tf_keras.Input((1,), name=name) for name in ("miles_z", "rome")}
    hidden = tf_keras.layers.Dense(4, "relu")(tf_keras.layers.Concatenate()(list(inputs.values())))
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(2, "softmax")(hidden))
    model.transform = tft.TFTransformOutput(str(graph)).transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        raw = tf.io.parse_example(
            examples,
            {
                "miles": tf.io.FixedLenFeature([1], tf.float32, [0.0]),
                "hour": tf.io.VarLenFeature(tf.int64),
                "city": tf.io.VarLenFeature(tf.string),
            },
        )
        transformed = model.transform({**raw, "miles": harness.clean(raw["miles"]) * factor})
        return {"probabilities": model({name: transformed[name] for name in inputs})}

    target = folder / "Format-Serving"
    with keras_not_converted():
        model.save(
            target,
            save_format="tf",
            save_traces=save_traces,
            signatures={"serving_default": serve},
        )
    return harness.artifact(standard_artifacts.Model, folder)


@pytest.mark.parametrize("save_traces", [False, True])
def test_an_export_that_preprocesses_as_in_training_is_blessed(check, tmp_path, graph, save_traces):
    assert check(keras_model(tmp_path / "model", graph, 1.0, save_traces), graph)[1] == []
    assert check.notes == ""


@pytest.mark.parametrize("save_traces", [False, True])
def test_an_export_that_preprocesses_otherwise_is_refused(check, tmp_path, graph, save_traces):
    _, findings = check(keras_model(tmp_path / "model", graph, 1.01, save_traces), graph)
    assert rules(findings) == {"serving_default": {"same answer as Transform and model"}}
