"""The row format of the REST API with signatures of any number and shape of inputs."""

from __future__ import annotations

import math

import pytest

from tests.serving import saved_models

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]


def no_inputs():
    import tensorflow as tf

    return {}, {"y": tf.constant([1.0])}


def no_outputs():
    import tensorflow as tf

    return {"x": tf.compat.v1.placeholder(tf.float32, None)}, {}


def any_shape():
    import tensorflow as tf

    x = tf.compat.v1.placeholder(tf.float32, None)
    return {"x": x}, {"y": tf.identity(x)}


def two_inputs():
    import tensorflow as tf

    a, b = (tf.compat.v1.placeholder(tf.int32, None) for _ in "ab")
    return {"a": a, "b": b}, {"y": tf.identity(a)}


@pytest.fixture(scope="module")
def client(shared, tmp_path_factory):
    makers = (no_inputs, no_outputs, any_shape, two_inputs)
    signatures = {make.__name__: make for make in makers}
    signatures["serving_default"] = no_inputs
    base_path = saved_models.save(tmp_path_factory.mktemp("rows"), signatures)
    return saved_models.serve(shared, {"rows": base_path})


def predict(client, signature, **body):
    return client.post("/v1/models/rows:predict", {"signature_name": signature, **body})


@pytest.mark.parametrize(
    ("rows", "where", "message"),
    [
        ([[1, 2], [3, 4], [5, 6, 7]], "element: 2 of", "Expecting tensor size: 2 but got: 3"),
        ([[1, 2], [3, 4], [[5, 6]]], "element: 2 of", "Expecting shape [2] but got: [1,2]"),
        ([1, [1]], "element: 1 of", "Expecting shape [] but got: [1]"),
        ([[], [1]], "element: 1 of", "Expecting tensor size: 0 but got: 1"),
        (
            [{"x": 1}, {"x": [1, 2]}],
            "element: 1 key: x of",
            "Expecting tensor size: 1 but got: 2",
        ),
        (
            [[1, 2], ["a", "b"]],
            "element: 1 of",
            'JSON Value: "a" Type: String is not of expected type: float',
        ),
        (
            [1, [[1, 2], [3]]],
            "element: 1 of",
            "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
        ),
    ],
)
def test_rows_of_two_shapes(client, rows, where, message):
    status, reply = predict(client, "any_shape", instances=rows)
    assert (status, reply["error"]) == (
        400,
        f"Failed to process {where} 'instances' list. Error: INVALID_ARGUMENT: {message}",
    )


def test_the_shapes_of_each_input_are_compared(client):
    rows = [{"a": [1, 2], "b": 1}, {"a": [1, 2], "b": [1]}]
    status, reply = predict(client, "two_inputs", instances=rows)
    assert status == 400
    assert "element: 1 key: b of" in reply["error"]
    assert "Expecting shape [] but got: [1]" in reply["error"]


@pytest.mark.parametrize("body", [{"inputs": [1]}, {"inputs": {}}, {"instances": [{}]}])
def test_a_signature_without_inputs(client, body):
    for name, shown in (("no_inputs", "no_inputs"), ("", "DEFAULT")):
        status, reply = predict(client, name, **body)
        assert (status, reply["error"]) == (
            400,
            f"Failed to get input map for signature: {shown}",
        )


def test_a_signature_without_outputs(client):
    status, reply = predict(client, "no_outputs", inputs=[1])
    assert (status, reply["error"]) == (
        400,
        "Must specify at least one target to fetch or execute.",
    )


def test_a_number_too_large_for_a_float_is_infinity(client):
    status, reply = predict(client, "any_shape", instances=[1.7e308, -1e300, 2.3e-308])
    assert (status, reply) == (200, {"predictions": [math.inf, -math.inf, 0.0]})


def test_the_log_has_no_traceback_and_no_warning(client):
    log = client.server.log()
    assert "Traceback" not in log
    assert "RuntimeWarning" not in log
