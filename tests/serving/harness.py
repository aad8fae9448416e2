"""Plain HTTP and gRPC requests to a server, without the project's client."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import grpc

from tfx_pipeline.serving import LocalServer
from tfx_pipeline.serving.client.transport import unary
from tfx_pipeline.serving.protocol import protos

MODEL_PATH = "/v1/models/chicago-taxi"

_MAX_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class RawClient:
    """Sends requests to one server."""

    server: LocalServer

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON."""
        return self._open(urllib.request.Request(self.server.rest + path))

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and JSON; the body is bytes, or what becomes JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._open(urllib.request.Request(self.server.rest + path, data))

    def predict(self, body: Any) -> tuple[int, Any]:
        return self.post(f"{MODEL_PATH}:predict", body)

    def request(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of any HTTP request; the path is sent as it is."""
        connection = http.client.HTTPConnection(self.server.rest.removeprefix("http://"))
        with contextlib.closing(connection):
            fields = "".join(f"{name.replace('_', '-')}: {headers[name]}\r\n" for name in headers)
            head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            connection.connect()
            connection.sock.sendall(f"{head}{fields}\r\n".encode() + body)
            reply = http.client.HTTPResponse(connection.sock, method=method)
            reply.begin()
            return reply.status, dict(reply.getheaders()), reply.read()

    def text(self, path: str) -> str:
        with urllib.request.urlopen(self.server.rest + path) as reply:
            return reply.read().decode()

    def grpc(self, service: str, method: str, request: Any) -> Any:
        """The reply; raises grpc.RpcError."""
        with grpc.insecure_channel(self.server.grpc) as channel:
            return unary(channel, f"/{service}/{method}")(request)

    def prediction(self, method: str, request: Any) -> Any:
        return self.grpc(protos.PREDICTION_SERVICE, method, request)

    def model(self, method: str, request: Any) -> Any:
        return self.grpc(protos.MODEL_SERVICE, method, request)

    @staticmethod
    def _open(request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request) as reply:
                return reply.status, json.loads(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


def columns_request(row: dict[str, Any], missing: list[str]) -> dict[str, Any]:
    """A REST request for one row; what it lacks is NaN, or '' for the texts."""
    texts = ("company", "payment_type")
    filled = {name: "" if name in texts else float("nan") for name in missing}
    return {"signature_name": "columns", "instances": [{**filled, **row}]}


def wait_until(happened: Callable[[], Any]) -> Any:
    """Polls until it is true; returns its result."""
    deadline = time.monotonic() + _MAX_SECONDS
    while not (found := happened()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return found
