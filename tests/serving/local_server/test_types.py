"""Tensors of all types and ranks, and the values that TensorFlow Serving accepts for them."""

from __future__ import annotations

import base64

import grpc
import ml_dtypes
import numpy as np
import pytest

from tests.serving import saved_models
from tfx_pipeline.serving import Client
from tfx_pipeline.serving.protocol import protos, tensors

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

KINDS = {
    "half": np.array([0.1, -2], np.float16),
    "bfloat16": np.array([0.1, 1e38], ml_dtypes.bfloat16),
    "uint16": np.array([0, 65535], np.uint16),
    "complex64": np.array([1 + 2j, -3j], np.complex64),
    "complex128": np.array([1e300 + 2j], np.complex128),
    "double": np.array([0.1, 1e300], np.float64),
    "uint8": np.array([0, 255], np.uint8),
    "int8": np.array([1, 0, -1], np.int8),
    "bool": np.array([True, False]),
}
JSON_KINDS = ("double", "uint8", "int8", "bool")


def identity(array):
    def make():
        import tensorflow as tf

        x = tf.compat.v1.placeholder(array.dtype, [None])
        return {"x": x}, {"y": tf.identity(x)}

    return make


def scalar(make):
    """y = a scalar, whatever x is."""

    def signature():
        import tensorflow as tf

        x = tf.compat.v1.placeholder(tf.float32, None)
        return {"x": x}, make(x)

    return signature


def scalar_number(x):
    import tensorflow as tf

    return {"y": tf.reduce_sum(x)}


def scalar_text(x):
    import tensorflow as tf

    return {"y": tf.strings.as_string(tf.cast(tf.reduce_sum(x), tf.int32))}


def scalar_bytes(x):
    return {"y_bytes": scalar_text(x)["y"]}


def scalars(x):
    return {"number": scalar_number(x)["y"], "text": scalar_text(x)["y"]}


def add():
    import tensorflow as tf

    a, b = (tf.compat.v1.placeholder(tf.float32, [None]) for _ in "ab")
    return {"a": a, "b": b}, {"y": a + b}


def echo_text():
    import tensorflow as tf

    x = tf.compat.v1.placeholder(tf.string, [None])
    return {"x": x}, {"y_bytes": tf.identity(x)}


@pytest.fixture(scope="module")
def client(shared, tmp_path_factory):
    signatures = {name: identity(array) for name, array in KINDS.items()}
    for make in (scalar_number, scalar_text, scalar_bytes, scalars):
        signatures[make.__name__] = scalar(make)
    signatures |= {"add": add, "echo_text": echo_text}
    base_path = tmp_path_factory.mktemp("types")
    saved_models.save(base_path, signatures, defaults={"add": {"b": [10.0]}})
    return saved_models.serve(shared, {"types": base_path})


def predict_request(signature, **inputs):
    request = protos.message("PredictRequest")()
    request.model_spec.name, request.model_spec.signature_name = "types", signature
    for name, array in inputs.items():
        tensors.to_proto(array, request.inputs[name])
    return request


def grpc_outputs(client, signature, **inputs):
    reply = client.prediction("Predict", predict_request(signature, **inputs))
    return {name: tensors.from_proto(proto) for name, proto in reply.outputs.items()}


def refusal(client, method, request):
    with pytest.raises(grpc.RpcError) as caught:
        client.prediction(method, request)
    return caught.value.code().name, caught.value.details()


def rest(client, signature, **body):
    return client.post("/v1/models/types:predict", {"signature_name": signature, **body})


def test_true_is_no_value_of_a_boolean_that_may_be_missing(client):
    # An int8: 1, 0, or -1 where it is missing. TensorFlow Serving's AddValueToTensor says the same.
    status, reply = rest(client, "int8", instances=[True])
    assert status == 400
    assert "JSON Value: true Type: Boolean is not of expected type: int8" in reply["error"]


@pytest.mark.parametrize("name", KINDS)
def test_grpc_takes_and_returns_every_type(client, name):
    found = grpc_outputs(client, name, x=KINDS[name])["y"]
    assert found.dtype == KINDS[name].dtype
    assert found.tolist() == KINDS[name].tolist()


def test_tensorflow_reads_the_types_it_does_not_know_from_numpy(client):
    import tensorflow as tf
    from tensorflow.core.framework import tensor_pb2

    for name in ("half", "bfloat16", "complex64"):
        request = predict_request(name)
        theirs = tf.make_tensor_proto(KINDS[name]).SerializeToString()
        request.inputs["x"].CopyFrom(protos.message("tensorflow.TensorProto").FromString(theirs))
        output = client.prediction("Predict", request).outputs["y"].SerializeToString()
        found = tf.make_ndarray(tensor_pb2.TensorProto.FromString(output))
        assert found.tolist() == KINDS[name].tolist()


@pytest.mark.parametrize("name", [name for name in KINDS if name not in JSON_KINDS])
def test_rest_refuses_the_types_that_tensorflow_serving_refuses(client, name):
    status, reply = rest(client, name, inputs=[1])
    assert (status, reply["error"]) == (
        501, f"Conversion of JSON Value: 1 to type: {name}"
    )  # fmt: skip
    status, reply = rest(client, name, instances=[1])
    assert status == 400
    assert f"UNIMPLEMENTED: Conversion of JSON Value: 1 to type: {name}" in reply["error"]


@pytest.mark.parametrize("side", ["grpc", "rest"])
def test_the_client_takes_numbers_for_them(client, side):
    with Client(getattr(client.server, side), "types", signature="add") as found:
        assert found.predict([{"a": 1, "b": 2}])["y"].tolist() == [3.0]
    if side == "grpc":
        with Client(client.server.grpc, "types", signature="bfloat16") as found:
            assert found.predict([{"x": 0.5}])["y"].tolist() == [0.5]


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("scalar_number", 5.0),
        ("scalar_text", "5"),
        ("scalar_bytes", {"b64": base64.b64encode(b"5").decode()}),
        ("scalars", {"number": 5.0, "text": "5"}),
    ],
)
def test_a_scalar_is_no_list(client, signature, expected):
    assert rest(client, signature, inputs=5) == (200, {"outputs": expected})
    status, reply = rest(client, signature, instances=[5])
    assert status == 400
    assert reply["error"].endswith(" has no shape information ")


def test_scalars_over_grpc(client):
    found = grpc_outputs(client, "scalars", x=np.array(5, np.float32))
    assert found == {"number": np.array(5, np.float32), "text": np.array(b"5", object)}
    assert found["text"].shape == found["number"].shape == ()


def test_an_input_with_a_default_may_be_left_out_over_grpc(client):
    one = np.array([1], np.float32)
    assert grpc_outputs(client, "add", a=one)["y"].tolist() == [11]
    assert grpc_outputs(client, "add", a=one, b=one)["y"].tolist() == [2]
    code, message = refusal(client, "Predict", predict_request("add", b=one))
    assert code == "INVALID_ARGUMENT"
    assert "Missing but required: {a}." in message
    status, reply = rest(client, "add", inputs={"a": [1]})  # as TensorFlow Serving
    assert (status, reply["error"]) == (400, "Missing named input: b in 'inputs' object.")


def test_a_tensor_that_claims_more_than_it_contains(client):
    request = predict_request("add", a=np.array([1], np.float32))
    request.inputs["a"].tensor_shape.dim[0].size = 2**28
    code, message = refusal(client, "Predict", request)
    assert code == "INVALID_ARGUMENT"
    assert "Invalid tensor shape [268435456]: 1 values were sent" in message
    request.inputs["a"].tensor_shape.dim[0].size = 0
    request.inputs["a"].tensor_shape.dim.add().size = 2**62
    request.inputs["a"].ClearField("float_val")
    assert refusal(client, "Predict", request)[0] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("text", ["YWI=", "YWI", "YWI.", "Y W\nI=", " YWI\t=\r\n"])
def test_base64_as_tensorflow_serving_reads_it(client, text):
    wanted = [{"b64": "YWI="}]
    assert rest(client, "echo_text", instances=[{"b64": text}]) == (200, {"predictions": wanted})


@pytest.mark.parametrize("text", ["YWI==", "Y", "YW*I", "YW-_", "=YWI", "YWI=YWI="])
def test_wrong_base64(client, text):
    status, reply = rest(client, "echo_text", inputs=[{"b64": text}])
    assert (status, "Unable to base64 decode" in reply["error"]) == (400, True)


def test_a_wrong_type_is_named(client):
    request = predict_request("add", a=np.array([1], np.int64), b=np.array([1], np.float32))
    assert refusal(client, "Predict", request) == (
        "INVALID_ARGUMENT",
        "input 'a' must be of type float, found int64",
    )


@pytest.mark.parametrize(
    ("service", "method"),
    [
        (protos.PREDICTION_SERVICE, "Predict"),
        (protos.PREDICTION_SERVICE, "Classify"),
        (protos.MODEL_SERVICE, "HandleReloadConfigRequest"),
    ],
)
def test_bytes_that_are_no_request(client, service, method):
    target = client.server.grpc
    with grpc.insecure_channel(target) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(f"/{service}/{method}")(b"\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INTERNAL


def test_the_server_survives_all_this(client):
    assert "Traceback" not in client.server.log()
