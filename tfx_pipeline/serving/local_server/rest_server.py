"""The REST side over HTTP. Slow clients wait in the event loop, not in a thread."""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import tornado.httpserver
import tornado.netutil
import tornado.web

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server import metrics
from tfx_pipeline.serving.local_server.rest_api import Answer, RestApi, refusal

GREATEST_BODY = 2**31 - 1
"""TensorFlow Serving's limit for a message."""

# Small requests to a path whose last one took less than this are answered in the event
# loop; one that then takes longer is the last for that path.
_QUICK_SECONDS = 0.002
_SMALL_BODY = 16_384
_MOST_PATHS = 1000

_IDLE_SECONDS = 3600
_BODY_SECONDS = 600


class RestServer:
    """Serves a RestApi over HTTP.

    Args:
      threads: how many requests are worked on at once.
      most_pending: how many may wait besides; more are refused with 429.
      timeout_seconds: how long a client waits for an answer before it gets 504.
      metrics_path: where Prometheus reads, or None.
    """

    def __init__(
        self,
        api: RestApi,
        measured: metrics.Metrics,
        *,
        threads: int,
        most_pending: int,
        timeout_seconds: float,
        metrics_path: str | None,
    ):
        self._api = api
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="rest")
        self._most = threads + most_pending
        self._timeout = timeout_seconds
        self._seconds: dict[str, float] = {}
        self.pending = 0
        self.stopping = False
        routes: list[tuple] = [(r"(?i)/v1/.*", _Handler, {"server": self})]
        if metrics_path:
            routes.insert(0, (metrics_path, _MetricsHandler, {"measured": measured}))
        self._http = tornado.httpserver.HTTPServer(
            tornado.web.Application(routes, default_handler_class=_Elsewhere, log_function=_quiet),
            decompress_request=True,
            max_buffer_size=GREATEST_BODY,
            max_body_size=GREATEST_BODY,
            idle_connection_timeout=_IDLE_SECONDS,
            body_timeout=_BODY_SECONDS,
        )

    def start(self, sockets: list[socket.socket]) -> None:
        """Accepts connections; call it in the event loop."""
        self._http.add_sockets(sockets)

    async def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answers in a thread, if there is room; at once what is answered in a moment.

        Handing a request to a thread and back takes longer than a small model does.
        """
        if len(body) <= _SMALL_BODY and self._seconds.get(path, _QUICK_SECONDS) < _QUICK_SECONDS:
            return self._work(method, path, body)
        if self.pending >= self._most:
            return refusal(ServingError("RESOURCE_EXHAUSTED", "too many requests are waiting"))
        self.pending += 1
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self.threads, self._work, method, path, body)
        # Counted until it ends, not until its client has given up waiting.
        work.add_done_callback(self._ended)
        done, _ = await asyncio.wait([work], timeout=self._timeout)
        if not done:
            return refusal(ServingError("DEADLINE_EXCEEDED", "the answer took too long"))
        return work.result()

    def _work(self, method: str, path: str, body: bytes) -> Answer:
        began = time.perf_counter()
        answer = self._api.answer(method, path, body)
        if answer.status == 200 and len(body) <= _SMALL_BODY:
            if len(self._seconds) >= _MOST_PATHS:
                self._seconds.clear()
            self._seconds[path] = time.perf_counter() - began
        return answer

    def _ended(self, _: asyncio.Future) -> None:
        self.pending -= 1

    async def drain(self, seconds: float) -> None:
        """Refuses new connections and lets requests end."""
        self.stopping = True
        self._http.stop()
        deadline = asyncio.get_running_loop().time() + seconds
        while self.pending and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # what was answered last is being written
        await self._http.close_all_connections()


class _Handler(tornado.web.RequestHandler):
    def initialize(self, server: RestServer) -> None:
        self._server = server

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Content-Type", "application/json")

    async def _answer(self) -> None:
        request = self.request
        answer = await self._server.answer(request.method or "", request.path, request.body)
        self.set_status(answer.status)
        if self._server.stopping:
            self.set_header("Connection", "close")
        self.finish(answer.body)

    get = post = put = delete = patch = head = _answer  # type: ignore[assignment]

    def compute_etag(self) -> None:
        return None


class _MetricsHandler(tornado.web.RequestHandler):
    def initialize(self, measured: metrics.Metrics) -> None:
        self._measured = measured

    def get(self) -> None:
        self.set_header("Content-Type", metrics.CONTENT_TYPE)
        self.finish(self._measured.page())


class _Elsewhere(tornado.web.RequestHandler):
    def prepare(self) -> None:
        self.set_status(404)
        self.finish({"error": f"Not found: {self.request.path}; the API is below /v1/models"})


def _quiet(_: tornado.web.RequestHandler) -> None:
    """Metrics count requests; a line for each would be too many."""
