"""The replies of TensorFlow Serving's gRPC API to valid and to wrong requests."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.serving.conftest import MODEL
from tfx_pipeline.serving import Client
from tfx_pipeline.serving.client import request_encoder
from tfx_pipeline.serving.client.protocols import GrpcProtocol, ModelRef
from tfx_pipeline.serving.client.table import to_table
from tfx_pipeline.serving.client.transport import unary
from tfx_pipeline.serving.protocol import protos

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]


@pytest.fixture(scope="module")
def signature(server):
    with Client(server.grpc, MODEL) as client:
        return client.signature()


@pytest.fixture
def request_(signature, taxi_rows):
    inputs = request_encoder.encode(to_table(taxi_rows[:3]), signature)
    return GrpcProtocol().predict(ModelRef(MODEL), signature, inputs).payload


def refusal(raw_client, method, request, call=None):
    with pytest.raises(grpc.RpcError) as caught:
        (call or raw_client.prediction)(method, request)
    return caught.value.code().name, caught.value.details()


def test_predict_reports_the_version(raw_client, request_):
    reply = raw_client.prediction("Predict", request_)
    assert reply.model_spec.name == MODEL
    assert reply.model_spec.version.value == 2
    assert reply.model_spec.signature_name == "columns"
    assert set(reply.outputs) == {"probabilities", "classes"}


def test_an_output_filter(raw_client, request_):
    request_.output_filter.append("probabilities")
    assert set(raw_client.prediction("Predict", request_).outputs) == {"probabilities"}


def test_a_version_and_a_label(raw_client, request_):
    request_.model_spec.version.value = 1
    assert raw_client.prediction("Predict", request_).model_spec.version.value == 1
    request_.model_spec.version_label = "canary"
    assert raw_client.prediction("Predict", request_).model_spec.version.value == 2


def test_what_tensorflow_serving_api_sends_is_understood(server, request_):
    """The plain client that the documentation of TensorFlow Serving shows."""
    import tensorflow as tf
    from tensorflow.core.framework import tensor_pb2
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    plain = predict_pb2.PredictRequest()
    plain.model_spec.name, plain.model_spec.signature_name = MODEL, "columns"
    for name, proto in request_.inputs.items():
        values = tf.make_ndarray(tensor_pb2.TensorProto.FromString(proto.SerializeToString()))
        plain.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    with grpc.insecure_channel(server.grpc) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        reply = stub.Predict(plain, 30)
    assert tf.make_ndarray(reply.outputs["probabilities"]).shape == (3, 2)
    assert tf.make_ndarray(reply.outputs["classes"]).tolist() == [[b"0", b"1"]] * 3


def test_the_metadata(raw_client):
    request = protos.message("GetModelMetadataRequest")()
    request.model_spec.name = MODEL
    request.metadata_field.append("signature_def")
    reply = raw_client.prediction("GetModelMetadata", request)
    found = protos.message("SignatureDefMap")()
    assert reply.metadata["signature_def"].Unpack(found)
    assert "columns" in found.signature_def
    request.metadata_field.append("other")
    assert refusal(raw_client, "GetModelMetadata", request) == (
        "INVALID_ARGUMENT",
        "Metadata field other is not supported",
    )


def test_the_health_service(server):
    with grpc.insecure_channel(server.grpc) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("", "tensorflow.serving.PredictionService"):
            reply = stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert reply.status == health_pb2.HealthCheckResponse.SERVING


def test_a_message_of_more_than_four_megabytes(raw_client, signature, taxi_rows):
    table = to_table(taxi_rows * 500)
    inputs = request_encoder.encode(table, signature)
    inputs["company"] = np.array([b"x" * 50] * table.count, object)
    request = GrpcProtocol().predict(ModelRef(MODEL), signature, inputs).payload
    assert request.ByteSize() > 4 * 2**20
    with grpc.insecure_channel(
        raw_client.server.grpc, [("grpc.max_receive_message_length", -1)]
    ) as c:
        reply = unary(c, f"/{protos.PREDICTION_SERVICE}/Predict")(request)
    assert reply.outputs["probabilities"].tensor_shape.dim[0].size == table.count


def unknown_signature(request):
    request.model_spec.signature_name = "x"


def no_model(request):
    request.ClearField("model_spec")


def no_name(request):
    request.model_spec.name = ""


def unknown_model(request):
    request.model_spec.name = "nobody"


def unknown_version(request):
    request.model_spec.version.value = 9


def unknown_label(request):
    request.model_spec.version_label = "nix"


def missing_input(request):
    del request.inputs["fare"]


def extra_input(request):
    request.inputs["fares"].CopyFrom(request.inputs["fare"])


def wrong_type(request):
    request.inputs["fare"].CopyFrom(request.inputs["company"])


def wrong_shape(request):
    request.inputs["fare"].tensor_shape.dim[0].size = 2


def endless_shape(request):
    request.inputs["fare"].tensor_shape.dim[0].size = 2**60


def columns_of_two_lengths(request):
    fare = request.inputs["fare"]
    fare.float_val.append(1)
    fare.tensor_shape.dim[0].size = 4


def unknown_type(request):
    request.inputs["fare"].dtype = 20


def unknown_output(request):
    request.output_filter.append("nix")


def output_twice(request):
    request.output_filter.extend(["classes", "classes"])


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (unknown_signature, "FAILED_PRECONDITION", 'Serving signature key "x" not found.'),
        (no_model, "INVALID_ARGUMENT", "Missing ModelSpec"),
        (no_name, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (unknown_model, "NOT_FOUND", "Servable not found for request: Latest(nobody)"),
        (unknown_version, "NOT_FOUND", f"Servable not found for request: Specific({MODEL}, 9)"),
        (unknown_label, "INVALID_ARGUMENT", "Unrecognized servable version label: nix"),
        (missing_input, "INVALID_ARGUMENT", "Missing but required: {fare}."),
        (extra_input, "INVALID_ARGUMENT", "Sent extra: {fares}."),
        (wrong_type, "INVALID_ARGUMENT", "'fare' must be of type float, found string"),
        (wrong_shape, "INVALID_ARGUMENT", "3 values do not fit shape [2]"),
        (endless_shape, "INVALID_ARGUMENT", "Invalid tensor shape"),
        (columns_of_two_lengths, "INVALID_ARGUMENT", "in both shapes must be equal"),
        (unknown_type, "INVALID_ARGUMENT", "tensors of type DT_RESOURCE are not supported"),
        (unknown_output, "INVALID_ARGUMENT", "output tensor alias not found in signature: nix"),
        (output_twice, "INVALID_ARGUMENT", "duplicate output tensor alias: classes"),
    ],
)
def test_a_wrong_predict_request(raw_client, request_, change, code, message):
    change(request_)
    found_code, details = refusal(raw_client, "Predict", request_)
    assert found_code == code
    assert message in details


def test_wrong_examples_requests(raw_client):
    request = protos.message("ClassificationRequest")()
    request.model_spec.name, request.model_spec.signature_name = MODEL, "classify"
    assert refusal(raw_client, "Classify", request) == ("INVALID_ARGUMENT", "Input is empty.")
    request.input.example_list.examples.add()
    request.model_spec.signature_name = "columns"
    assert refusal(raw_client, "Classify", request) == (
        "INVALID_ARGUMENT",
        "Expected one input Tensor.",
    )
    regression = protos.message("RegressionRequest")()
    regression.CopyFrom(type(regression).FromString(request.SerializeToString()))
    regression.model_spec.signature_name = "classify"
    assert refusal(raw_client, "Regress", regression) == (
        "INVALID_ARGUMENT",
        "Expected one output Tensor.",
    )


def test_wrong_multi_inference_requests(raw_client):
    request = protos.message("MultiInferenceRequest")()
    code, details = refusal(raw_client, "MultiInference", request)
    assert (code, details) == (
        "INVALID_ARGUMENT",
        "Inference request must have at least one task",
    )
    for _ in range(2):
        task = request.tasks.add(method_name="tensorflow/serving/classify")
        task.model_spec.name, task.model_spec.signature_name = MODEL, "classify"
    assert "Duplicate evaluation" in refusal(raw_client, "MultiInference", request)[1]
    request.tasks[1].model_spec.name = "other"
    assert "must access the same model name" in refusal(raw_client, "MultiInference", request)[1]
    del request.tasks[1]
    request.tasks[0].method_name = "tensorflow/serving/predict"
    request.input.example_list.examples.add()
    assert refusal(raw_client, "MultiInference", request)[0] == "UNIMPLEMENTED"


def test_the_status_of_models(raw_client):
    request = protos.message("GetModelStatusRequest")()
    assert (
        refusal(raw_client, "GetModelStatus", request, raw_client.model)[1] == "Missing ModelSpec"
    )
    request.model_spec.name = MODEL
    versions = raw_client.model("GetModelStatus", request).model_version_status
    assert [(one.version, one.state) for one in versions] == [(2, 30), (1, 30)]


def test_bytes_that_are_not_a_message(server, request_):
    with grpc.insecure_channel(server.grpc) as channel:
        call = channel.unary_unary(f"/{protos.PREDICTION_SERVICE}/Predict")
        with pytest.raises(grpc.RpcError) as caught:
            call(b"\xff\xff\xff")
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        assert call(request_.SerializeToString())
