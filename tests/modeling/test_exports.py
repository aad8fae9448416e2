"""The exported model in a graph-mode session, as TensorFlow Serving runs it."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.modeling import harness

pytestmark = pytest.mark.tensorflow

LABELS = ("big_tipper", "tips")


@pytest.fixture(scope="module")
def examples(taxi_rows):
    rows = [{k: v for k, v in row.items() if k not in LABELS} for row in taxi_rows[600:]]
    return [harness.example(row) for row in rows]


@pytest.fixture(scope="module")
def served(server, examples):
    return server.call("serving_default", examples=examples)


def _columns(server, rows):
    """Rows as the `columns` signature takes them."""
    inputs = {}
    for name, info in server.signatures["columns"].inputs.items():
        dtype = tf.as_dtype(info.dtype)
        missing = {tf.string: b"", tf.int64: 0}.get(dtype, np.nan)
        values = [row.get(name, missing) for row in rows]
        inputs[name] = np.array(values, dtype.as_numpy_dtype)
    return inputs


def test_serving_default_answers_probabilities_and_classes(served):
    probabilities, classes = served["probabilities"], served["classes"]
    assert probabilities.shape == classes.shape == (300, 2)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert classes[0].tolist() == [b"0", b"1"]


@pytest.mark.parametrize("signature", ["serving_default", "columns"])
def test_what_a_request_executes(server, taxi_rows, signature):
    """Transform's function is merged into the graph, and no product is divided among threads."""
    inputs = {"serving_default": {"examples": [harness.example(taxi_rows[0])]}}
    inputs["columns"] = _columns(server, taxi_rows[:1])
    definition = server.signatures[signature]
    feed = {definition.inputs[name].name: v for name, v in inputs[signature].items()}
    fetch = {name: info.name for name, info in definition.outputs.items()}
    options = tf.compat.v1.RunOptions(output_partition_graphs=True)
    executed = tf.compat.v1.RunMetadata()
    server.session.run(fetch, feed, options, executed)
    operations = {node.op for graph in executed.partition_graphs for node in graph.node}
    assert "LookupTableFindV2" in operations
    assert not {o for o in operations if "PartitionedCall" in o or "Einsum" in o}


def test_columns_answers_the_same(server, served, taxi_rows):
    inputs = _columns(server, taxi_rows[600:])
    flat = server.call("columns", **inputs)
    assert flat["probabilities"] == pytest.approx(served["probabilities"], abs=1e-6)
    upright = server.call("columns", **{k: v.reshape(-1, 1) for k, v in inputs.items()})
    assert (upright["probabilities"] == flat["probabilities"]).all()


def test_classify_answers_the_same(server, served, examples):
    assert server.signatures["classify"].method_name == "tensorflow/serving/classify"
    answer = server.call("classify", inputs=examples)
    assert (answer["scores"] == served["probabilities"]).all()
    assert (answer["classes"] == served["classes"]).all()


def test_the_keras_model_on_transformed_features_answers_the_same(server, served, taxi_model):
    assert server.signatures["serving_default"].method_name == "tensorflow/serving/predict"
    model = tf_keras.models.load_model(taxi_model)
    examples = [harness.example(row) for row in harness.taxi_rows(600, 900)]
    transformed = server.call("transform_features", examples=examples)
    inputs = {name: tf.constant(transformed[name]) for name in model.input}
    assert model(inputs).numpy() == pytest.approx(served["probabilities"], abs=1e-5)


def test_transform_features_gives_what_transform_wrote(server, taxi, taxi_rows):
    answer = server.call("transform_features", examples=[harness.example(taxi_rows[0])])
    written = {name: values[0] for name, values in taxi.rows("train").items()}
    assert {name: values[0, 0] for name, values in answer.items()} == pytest.approx(written)


def test_transform_features_without_a_label(server, examples):
    answer = server.call("transform_features", examples=examples[:3])
    assert answer["big_tipper"].reshape(-1).tolist() == [-1, -1, -1]


def test_an_eager_load_answers_the_same(taxi_model, examples, served):
    loaded = tf.saved_model.load(taxi_model).signatures["serving_default"]
    answer = loaded(examples=tf.constant(examples))
    assert answer["probabilities"].numpy() == pytest.approx(served["probabilities"], abs=1e-6)


ABSURD = [
    {},
    {"fare": float("nan"), "trip_miles": float("inf"), "trip_seconds": -(2**62)},
    {"fare": -1e38, "trip_miles": 3e38, "trip_start_timestamp": 2**62, "company": b"\xff\x00"},
    {"trip_start_hour": 24, "trip_start_month": 13, "pickup_community_area": -5},
    {"payment_type": "Bitcoin", "company": "x" * 100_000, "trip_start_day": 0},
    {"trip_start_hour": -(2**63), "trip_start_day": 2**63 - 1},
]


def test_absurd_examples_are_answered(server):
    answer = server.call("serving_default", examples=[harness.example(row) for row in ABSURD])
    assert np.isfinite(answer["probabilities"]).all()


def test_absurd_columns_are_answered(server):
    rows = [{k: v.encode() if isinstance(v, str) else v for k, v in row.items()} for row in ABSURD]
    answer = server.call("columns", **_columns(server, rows))
    assert np.isfinite(answer["probabilities"]).all()


def test_an_example_with_several_values_or_none_is_answered(server):
    both = tf.train.Example()
    both.features.feature["fare"].float_list.value.extend([1.0, 2.0])
    both.features.feature["company"].bytes_list.SetInParent()
    both.features.feature["unknown"].float_list.value.append(1.0)
    answer = server.call("serving_default", examples=[both.SerializeToString(), b""])
    assert np.isfinite(answer["probabilities"]).all()


def test_an_empty_batch_is_answered(server):
    examples = np.array([], dtype=object)
    answer = server.call("serving_default", examples=examples)
    assert answer["probabilities"].shape == (0, 2)
    assert server.call("columns", **_columns(server, []))["classes"].shape == (0, 2)


def test_warmup_requests_are_answered(server, taxi_model):
    from tensorflow_serving.apis import prediction_log_pb2

    path = pathlib.Path(taxi_model) / "assets.extra" / "tf_serving_warmup_requests"
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]
    asked = []
    for log in logs:
        kind = log.WhichOneof("log_type")
        request = getattr(log, kind).request
        asked.append(request.model_spec.signature_name)
        if kind == "predict_log":
            inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
            assert server.call(asked[-1], **inputs)
        else:
            examples = request.input.example_list.examples
            assert server.call(asked[-1], inputs=[e.SerializeToString() for e in examples])
    assert sorted(asked) == ["classify", "columns", "serving_default", "transform_features"]
