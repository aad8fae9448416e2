"""The HTTP server of the REST API. Slow clients wait in the event loop, not in a thread."""

from __future__ import annotations

import asyncio
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import tornado.httpserver
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
    responses,
)

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server.metrics import CONTENT_TYPE, Metrics
from tfx_pipeline.serving.local_server.rest_api import Response, RestApi, error_response

_MAX_BODY_BYTES = 2**31 - 1
"""TensorFlow Serving's limit for a message."""

_API_PATH = re.compile(r"(?i)/v1/.*")
_CROSS_ORIGIN = re.compile(r"https?://")

_CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
"""What permits the pages of other sites to read responses; TensorFlow Serving's values."""

_IDLE_SECONDS = 3600
_BODY_SECONDS = 600


class RestServer(HTTPServerConnectionDelegate):
    """Serves a RestApi over HTTP.

    Every request runs in a thread: a slow model must not stop the event loop, and with
    it all other connections.

    Args:
      api: processes the requests.
      metrics: what Prometheus reads.
      threads: the number of requests that are processed at the same time.
      max_pending: the number of further requests that may wait; more are refused with 429.
      timeout_seconds: how long a client waits for a response before it receives 504.
      metrics_path: the path that Prometheus reads; None for none.
      enable_cors: whether web pages of other sites may read responses.

    Attributes:
      threads: the pool of threads that process requests.
      enable_cors: the argument of that name.
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
        enable_cors: bool = False,
    ):
        self._api = api
        self._metrics = metrics
        self._metrics_path = metrics_path
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="rest")
        self.enable_cors = enable_cors
        self._max_requests = threads + max_pending
        self._timeout = timeout_seconds
        self._pending = 0
        self.is_stopping = False
        self._http = tornado.httpserver.HTTPServer(
            self,
            max_buffer_size=_MAX_BODY_BYTES,
            max_body_size=_MAX_BODY_BYTES,
            idle_connection_timeout=_IDLE_SECONDS,
            body_timeout=_BODY_SECONDS,
        )

    def start(self, sockets: list[socket.socket]) -> None:
        """Accepts connections; must be called in the event loop."""
        self._http.add_sockets(sockets)

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Returns what receives a request; tornado calls this."""
        return _Exchange(self, request_conn)

    def handle(self, exchange: _Exchange) -> None:
        """Responds to a request, perhaps later; must be called in the event loop."""
        method, path = exchange.method, exchange.path
        if path == self._metrics_path:
            exchange.respond(Response(200, self._metrics.text()), CONTENT_TYPE)
        elif not _API_PATH.fullmatch(path):
            message = f"Not found: {path}; the API is below /v1/models"
            exchange.respond(error_response(ServingError("NOT_FOUND", message)))
        elif method == "OPTIONS":
            exchange.respond(_preflight_response(exchange.headers.get("Origin", "")))
        elif self._pending >= self._max_requests:
            error = ServingError("RESOURCE_EXHAUSTED", "too many requests are waiting")
            exchange.respond(error_response(error))
        else:
            self._pending += 1
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self._timeout, exchange.respond, _TIMEOUT)
            self.threads.submit(self._process, exchange, loop, timer)

    def _process(
        self, exchange: _Exchange, loop: asyncio.AbstractEventLoop, timer: asyncio.TimerHandle
    ) -> None:
        response = _TIMEOUT
        if not exchange.is_finished:  # nobody waits if it was in the queue for too long
            response = self._api.handle(
                exchange.method,
                exchange.path,
                exchange.body(),
                exchange.headers.get("Content-Encoding", ""),
            )
        loop.call_soon_threadsafe(self._end, exchange, response, timer)

    def _end(self, exchange: _Exchange, response: Response, timer: asyncio.TimerHandle) -> None:
        self._pending -= 1
        timer.cancel()
        exchange.respond(response)

    async def drain(self, seconds: float) -> None:
        """Refuses new connections and waits, at most so many seconds, for current requests."""
        self.is_stopping = True
        self._http.stop()
        deadline = asyncio.get_running_loop().time() + seconds
        while self._pending and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # the last responses are still being written
        await self._http.close_all_connections()


class _Exchange(HTTPMessageDelegate):
    """One request and its response.

    tornado.web is not used: it would parse the body as a form, which takes longer than a
    small model, and answers wrong requests with HTML.
    """

    def __init__(self, server: RestServer, connection: HTTPConnection):
        self._server = server
        self._connection = connection
        self._chunks: list[bytes] = []
        self.is_finished = False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        self.method, uri, _ = cast(RequestStartLine, start_line)
        # Clients may send UTF-8 without percent signs.
        path = uri.partition("?")[0].encode("latin-1")
        self.path = path.decode("utf-8", "replace")
        self.headers = headers

    def data_received(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def finish(self) -> None:
        self._server.handle(self)

    def on_connection_close(self) -> None:
        self.is_finished = True

    def body(self) -> bytes:
        """Returns the whole body, once."""
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)

    def respond(self, response: Response, content_type: str = "application/json") -> None:
        """Sends the response, unless one was sent before or the client has gone."""
        if self.is_finished:
            return
        self.is_finished = True
        fields: dict[str, Any] = {
            "Content-Type": content_type,
            "Content-Length": str(len(response.body)),
        }
        if self._server.enable_cors:
            fields |= _CORS_HEADERS
        if self._server.is_stopping:
            fields["Connection"] = "close"
        start_line = ResponseStartLine("", response.status, responses.get(response.status, ""))
        body = response.body if self.method != "HEAD" else None
        self._connection.write_headers(start_line, HTTPHeaders(fields), body)
        self._connection.finish()


_TIMEOUT = error_response(ServingError("DEADLINE_EXCEEDED", "the request took too long"))


def _preflight_response(origin: str) -> Response:
    """Returns TensorFlow Serving's response to a browser's question before a request."""
    if _CROSS_ORIGIN.search(origin):
        return Response(200, b"")
    message = "Origin header is missing in CORS preflight"
    return error_response(ServingError("FAILED_PRECONDITION", message))
