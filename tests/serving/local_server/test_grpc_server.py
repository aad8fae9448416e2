"""The gRPC server with a model that runs only when the test lets it."""

from __future__ import annotations

import threading
import time

import grpc
import pytest

pytest.importorskip("grpc_health")

from tfx_pipeline.serving.client.transport import unary
from tfx_pipeline.serving.local_server.grpc_server import GrpcServer
from tfx_pipeline.serving.local_server.manager import Manager
from tfx_pipeline.serving.local_server.metrics import Metrics
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.rollout import model_server_config


class Blocked:
    """Used instead of a loaded model: each run waits until `release` is set."""

    signatures = {"serving_default": protos.message("tensorflow.SignatureDef")()}

    def __init__(self):
        self.runs, self.started, self.release = 0, threading.Event(), threading.Event()

    def run(self, signature, inputs):
        self.runs += 1
        self.started.set()
        self.release.wait()
        return {}


@pytest.fixture
def servable():
    return Blocked()


@pytest.fixture
def predict(servable, tmp_path):
    """Sends requests to a server with one thread and room for one waiting request."""
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").touch()
    manager = Manager(lambda served: servable)
    manager.configure(model_server_config.single("shop", tmp_path))
    metrics = Metrics(manager.available_versions)
    server = GrpcServer(manager, metrics, threads=1, max_pending=1)
    port = server.bind("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield unary(channel, f"/{protos.PREDICTION_SERVICE}/Predict")
        servable.release.set()
    server.stop(5)


def request():
    message = protos.message("PredictRequest")()
    message.model_spec.name = "shop"
    return message


def test_a_request_whose_deadline_passed_in_the_queue_is_not_run(servable, predict):
    first = predict.future(request())
    servable.started.wait()
    with pytest.raises(grpc.RpcError) as caught:
        predict(request(), timeout=0.2)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    time.sleep(1)  # the server began to count later than the client
    servable.release.set()
    first.result()
    predict(request())
    assert servable.runs == 2


def test_a_full_server_refuses(servable, predict):
    first = predict.future(request())
    servable.started.wait()
    second = predict.future(request())
    with pytest.raises(grpc.RpcError) as caught:
        predict(request(), timeout=60)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    servable.release.set()
    assert first.result().model_spec.version.value == second.result().model_spec.version.value == 1
