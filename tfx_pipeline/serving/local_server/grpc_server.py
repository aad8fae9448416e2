"""The gRPC side: PredictionService, ModelService and the health service."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server.inference import Inference
from tfx_pipeline.serving.local_server.manager import Manager
from tfx_pipeline.serving.local_server.metrics import Metrics
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.protocol.status_codes import invalid

_GREATEST_MESSAGE = 2**31 - 1

_OPTIONS = [
    ("grpc.max_receive_message_length", _GREATEST_MESSAGE),
    ("grpc.max_send_message_length", _GREATEST_MESSAGE),
    # Else a second server on the same port takes every other request of the first.
    ("grpc.so_reuseport", 0),
]

_HEALTH_NAMES = (
    "",
    "ModelService",
    "PredictionService",
    protos.MODEL_SERVICE,
    protos.PREDICTION_SERVICE,
)

Call = Callable[[Any], Any]


class GrpcServer:
    """Serves the manager's models over gRPC.

    Args:
      threads: how many requests are worked on at once.
      most_pending: how many may wait besides; more are refused with RESOURCE_EXHAUSTED.
    """

    def __init__(self, manager: Manager, metrics: Metrics, *, threads: int, most_pending: int):
        self._manager = manager
        self._metrics = metrics
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="grpc")
        self._server = grpc.server(
            self.threads,
            options=_OPTIONS,
            maximum_concurrent_rpcs=threads + most_pending,
        )
        inference = Inference(manager)
        self._add(
            protos.PREDICTION_SERVICE,
            {
                "Predict": inference.predict,
                "Classify": inference.classify,
                "Regress": inference.regress,
                "MultiInference": inference.multi_inference,
                "GetModelMetadata": inference.metadata,
            },
        )
        status, reload = self._status, self._reload
        calls = {"GetModelStatus": status, "HandleReloadConfigRequest": reload}
        self._add(protos.MODEL_SERVICE, calls)
        self._health = health.HealthServicer(
            experimental_non_blocking=True, experimental_thread_pool=ThreadPoolExecutor(1)
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    def bind(self, address: str) -> int:
        """Takes a port; requests wait until `start`. Returns its number.

        Raises:
          OSError: it cannot be had.
        """
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(str(error)) from error
        if not port:
            raise OSError(f"{address} cannot be bound")
        return port

    def start(self) -> None:
        self._server.start()
        for name in _HEALTH_NAMES:
            self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    def stop(self, seconds: float) -> None:
        """Refuses new requests, lets those under way end, and returns when they have."""
        self._health.enter_graceful_shutdown()
        self._server.stop(seconds).wait()

    def _add(self, service: str, calls: dict[str, Call]) -> None:
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self._behaviour(name, calls[name]),
                request_deserializer=request.FromString,
                response_serializer=response.SerializeToString,
            )
            for name, (request, response) in protos.methods(service).items()
        }
        handler = grpc.method_handlers_generic_handler(service, handlers)
        self._server.add_generic_rpc_handlers((handler,))

    def _behaviour(self, name: str, call: Call) -> Callable[[Any, grpc.ServicerContext], Any]:
        def behave(request: Any, context: grpc.ServicerContext) -> Any:
            began, code, message = time.perf_counter(), "OK", ""
            try:
                # Nobody waits any more for what waited too long in the queue.
                if context.time_remaining() == 0:
                    raise ServingError("DEADLINE_EXCEEDED", "the deadline passed in the queue")
                return call(request)
            except ServingError as error:
                code, message = error.code, error.message
            except Exception:
                logging.exception("%s failed", name)
                code, message = "INTERNAL", "the server failed; its log says why"
            finally:
                self._metrics.record(self._model_of(request), name, "GRPC", code, began)
            context.abort(getattr(grpc.StatusCode, code), message)

        return behave

    def _model_of(self, request: Any) -> str:
        """The model's name, if there is such a model: names of others are not counted."""
        spec = getattr(request, "model_spec", None)
        return spec.name if spec is not None and self._manager.knows(spec.name) else ""

    def _status(self, request: Any) -> Any:
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        return self._manager.status(request.model_spec)

    def _reload(self, request: Any) -> Any:
        self._manager.configure(request.config, strict_labels=True)
        return protos.message("ReloadConfigResponse")()
