"""The gRPC server: PredictionService, ModelService and the health service."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server.manager import Manager
from tfx_pipeline.serving.local_server.metrics import Metrics
from tfx_pipeline.serving.local_server.services import ModelService, PredictionService
from tfx_pipeline.serving.protocol import protos

_MAX_MESSAGE_BYTES = 2**31 - 1

_OPTIONS = [
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    # Otherwise a second server on the same port would receive half of the requests.
    ("grpc.so_reuseport", 0),
]

_HEALTH_NAMES = (
    "",
    "ModelService",
    "PredictionService",
    protos.MODEL_SERVICE,
    protos.PREDICTION_SERVICE,
)

Method = Callable[[Any], Any]


class GrpcServer:
    """Serves the manager's models over gRPC.

    Args:
      manager: holds the models.
      metrics: counts the requests.
      threads: the number of requests that are processed at the same time.
      max_pending: the number of further requests that may wait; more are refused with
        RESOURCE_EXHAUSTED.
      strict_labels: whether a new configuration may give labels only to available versions.

    Attributes:
      threads: the pool of threads that process requests.
    """

    def __init__(
        self,
        manager: Manager,
        metrics: Metrics,
        *,
        threads: int,
        max_pending: int,
        strict_labels: bool = True,
    ):
        self._manager = manager
        self._metrics = metrics
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="grpc")
        self._server = grpc.server(
            self.threads, options=_OPTIONS, maximum_concurrent_rpcs=threads + max_pending
        )
        prediction = PredictionService(manager)
        model = ModelService(manager, strict_labels=strict_labels)
        self._add_service(
            protos.PREDICTION_SERVICE,
            {
                "Predict": prediction.predict,
                "Classify": prediction.classify,
                "Regress": prediction.regress,
                "MultiInference": prediction.multi_inference,
                "GetModelMetadata": prediction.get_model_metadata,
            },
        )
        self._add_service(
            protos.MODEL_SERVICE,
            {
                "GetModelStatus": model.get_model_status,
                "HandleReloadConfigRequest": model.handle_reload_config,
            },
        )
        self._health = health.HealthServicer(
            experimental_non_blocking=True, experimental_thread_pool=ThreadPoolExecutor(1)
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    def bind(self, address: str) -> int:
        """Binds a port; requests wait until `start`.

        Args:
          address: `HOST:PORT`; the port 0 means any free port.

        Returns:
          The number of the port.

        Raises:
          OSError: the port cannot be bound.
        """
        try:
            port: int = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(str(error)) from error
        if not port:
            raise OSError(f"{address} cannot be bound")
        return port

    def start(self) -> None:
        """Begins to process requests."""
        self._server.start()
        for name in _HEALTH_NAMES:
            self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    def stop(self, seconds: float) -> None:
        """Refuses new requests and waits, at most so many seconds, for the current ones."""
        self._health.enter_graceful_shutdown()
        self._server.stop(seconds).wait()

    def _add_service(self, service: str, methods: Mapping[str, Method]) -> None:
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self._handler(name, methods[name]),
                request_deserializer=_parser(request),
                response_serializer=response.SerializeToString,
            )
            for name, (request, response) in protos.methods(service).items()
        }
        handler = grpc.method_handlers_generic_handler(service, handlers)
        self._server.add_generic_rpc_handlers((handler,))

    def _handler(self, name: str, method: Method) -> Callable[[Any, grpc.ServicerContext], Any]:
        """Returns a method as gRPC calls it: errors become statuses, requests are counted."""

        def handle(request: Any, context: grpc.ServicerContext) -> Any:
            start, code, message = time.perf_counter(), "OK", ""
            spec = getattr(request, "model_spec", None)
            try:
                # gRPC itself may notice that nobody waits any more after this has begun.
                if context.time_remaining() == 0:
                    raise ServingError("DEADLINE_EXCEEDED", "the deadline passed in the queue")
                return method(request)
            except ServingError as error:
                code, message = error.code, error.message
            except Exception:
                logging.exception("%s failed", name)
                code, message = "INTERNAL", "the server failed; see its log"
            finally:
                # Names of unknown models are not counted: clients could invent any number.
                model = spec.name if spec and self._manager.has_model(spec.name) else ""
                self._metrics.record(model, name, "GRPC", code, start)
            context.abort(getattr(grpc.StatusCode, code), message)

        return handle


def _parser(message: Any) -> Callable[[bytes], Any]:
    """Returns a function that parses a request; for one that is no such message, it returns None.

    gRPC answers with INTERNAL, as TensorFlow Serving does, and logs no traceback.
    """

    def parse(data: bytes) -> Any:
        try:
            return message.FromString(data)
        except DecodeError:
            return None

    return parse
