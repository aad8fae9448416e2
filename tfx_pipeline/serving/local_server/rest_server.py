"""The HTTP server of the REST API. Slow clients wait in the event loop, not in a thread."""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import tornado.httpserver
import tornado.web

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server.metrics import CONTENT_TYPE, Metrics
from tfx_pipeline.serving.local_server.rest_api import Response, RestApi, error_response

_MAX_BODY_BYTES = 2**31 - 1
"""TensorFlow Serving's limit for a message."""

# A small request runs in the event loop if the last one to its path was quick enough:
# passing it to a thread and back takes longer than a small model does.
_QUICK_SECONDS = 0.002
_SMALL_BODY_BYTES = 16_384
_MAX_PATHS = 1000

_IDLE_SECONDS = 3600
_BODY_SECONDS = 600


class RestServer:
    """Serves a RestApi over HTTP.

    Args:
      api: processes the requests.
      metrics: what Prometheus reads.
      threads: the number of requests that are processed at the same time.
      max_pending: the number of further requests that may wait; more are refused with 429.
      timeout_seconds: how long a client waits for a response before it receives 504.
      metrics_path: the path that Prometheus reads; None for none.

    Attributes:
      threads: the pool of threads that process requests.
      is_stopping: whether connections are closed after the current response.
    """

    def __init__(
        self,
        api: RestApi,
        metrics: Metrics,
        *,
        threads: int,
        max_pending: int,
        timeout_seconds: float,
        metrics_path: str | None,
    ):
        self._api = api
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="rest")
        self._max_requests = threads + max_pending
        self._timeout = timeout_seconds
        self._last_seconds: dict[str, float] = {}
        """How long the last small request to each path took."""
        self._pending = 0
        self.is_stopping = False
        routes: list[tuple[Any, ...]] = [(r"(?i)/v1/.*", _ApiHandler, {"server": self})]
        if metrics_path:
            routes.insert(0, (metrics_path, _MetricsHandler, {"metrics": metrics}))
        self._http = tornado.httpserver.HTTPServer(
            tornado.web.Application(
                routes,
                default_handler_class=_NotFoundHandler,
                log_function=lambda handler: None,  # the metrics count requests
            ),
            decompress_request=True,
            max_buffer_size=_MAX_BODY_BYTES,
            max_body_size=_MAX_BODY_BYTES,
            idle_connection_timeout=_IDLE_SECONDS,
            body_timeout=_BODY_SECONDS,
        )

    def start(self, sockets: list[socket.socket]) -> None:
        """Accepts connections; must be called in the event loop."""
        self._http.add_sockets(sockets)

    async def handle(self, method: str, path: str, body: bytes) -> Response:
        """Returns the response to one request.

        Args:
          method: the HTTP method.
          path: the path of the URL, still quoted.
          body: the body.
        """
        last_seconds = self._last_seconds.get(path, _QUICK_SECONDS)
        if len(body) <= _SMALL_BODY_BYTES and last_seconds < _QUICK_SECONDS:
            return self._process(method, path, body)
        if self._pending >= self._max_requests:
            return error_response(
                ServingError("RESOURCE_EXHAUSTED", "too many requests are waiting")
            )
        self._pending += 1
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self.threads, self._process, method, path, body)
        # Pending until the work ends, even if its client no longer waits.
        future.add_done_callback(self._end_pending)
        done, _ = await asyncio.wait([future], timeout=self._timeout)
        if not done:
            return error_response(ServingError("DEADLINE_EXCEEDED", "the request took too long"))
        return future.result()

    def _process(self, method: str, path: str, body: bytes) -> Response:
        start = time.perf_counter()
        response = self._api.handle(method, path, body)
        if response.status == 200 and len(body) <= _SMALL_BODY_BYTES:
            if len(self._last_seconds) >= _MAX_PATHS:
                self._last_seconds.clear()
            self._last_seconds[path] = time.perf_counter() - start
        return response

    def _end_pending(self, _: asyncio.Future[Response]) -> None:
        self._pending -= 1

    async def drain(self, seconds: float) -> None:
        """Refuses new connections and waits, at most so many seconds, for current requests."""
        self.is_stopping = True
        self._http.stop()
        deadline = asyncio.get_running_loop().time() + seconds
        while self._pending and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # the last responses are still being written
        await self._http.close_all_connections()


class _ApiHandler(tornado.web.RequestHandler):
    def initialize(self, server: RestServer) -> None:
        self._server = server

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Content-Type", "application/json")

    async def _handle(self) -> None:
        request = self.request
        response = await self._server.handle(request.method or "", request.path, request.body)
        self.set_status(response.status)
        if self._server.is_stopping:
            self.set_header("Connection", "close")
        self.finish(response.body)

    # Tornado declares these as functions that a subclass may make coroutines.
    get = post = put = delete = patch = head = _handle

    def compute_etag(self) -> None:
        return None


class _MetricsHandler(tornado.web.RequestHandler):
    def initialize(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(self._metrics.text())


class _NotFoundHandler(tornado.web.RequestHandler):
    def prepare(self) -> None:
        self.set_status(404)
        self.finish({"error": f"Not found: {self.request.path}; the API is below /v1/models"})
