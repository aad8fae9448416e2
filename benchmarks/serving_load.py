"""Asking a model server, and taking the time."""

from __future__ import annotations

import contextlib
import http.client
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from benchmarks import serving_echo
from tfx_pipeline.serving.client.transport import unary
from tfx_pipeline.serving.local_server.process import free_ports
from tfx_pipeline.serving.protocol import protos

Ask = Callable[[], Any]

PREDICT = f"/{protos.PREDICTION_SERVICE}/Predict"


def grpc_asker(target: str, request: Any) -> Ask:
    """Sends a PredictRequest; raises if it is refused."""
    method = unary(grpc.insecure_channel(target), PREDICT)
    return lambda: method(request, 30)


def rest_asker(target: str, path: str, body: bytes) -> Ask:
    """Posts a body over a connection that is kept; raises if it is refused."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(target).netloc)
    # Else small requests wait for the acknowledgement of their headers.
    connection.connect()
    connection.sock.setsockopt(6, 1, 1)

    def ask() -> bytes:
        connection.request("POST", path, body)
        reply = connection.getresponse()
        answer = reply.read()
        if reply.status != 200:
            raise RuntimeError(f"{reply.status}: {answer[:200]!r}")
        return answer

    return ask


@contextlib.contextmanager
def echo(kind: str, size: int, *model: str) -> Iterator[str]:
    """An echo server in a process of its own; yields its address.

    Args:
      model: a SavedModel whose session is called for each answer.
    """
    port = free_ports(1)[0]
    command = [sys.executable, "-m", "benchmarks.serving_echo", kind, str(port), str(size), *model]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def grpc_echo_asker(address: str, size: int) -> Ask:
    method = grpc.insecure_channel(address).unary_unary(serving_echo.METHOD)
    payload = bytes(size)
    return lambda: method(payload, 30)


def median_ms(ask: Ask, times: int) -> float:
    """The median of some calls, after a tenth as many that do not count."""
    for _ in range(max(times // 10, 1)):
        ask()
    return statistics.median(seconds(ask) for _ in range(times)) * 1000


def seconds(ask: Ask) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


class Load:
    """Clients that ask without a pause, each in a thread, until they are told to stop.

    Attributes:
      answered: how many requests were.
      failures: what was raised instead.
    """

    def __init__(self, askers: list[Ask]):
        self.answered = 0
        self.failures: list[Exception] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=[ask]) for ask in askers]

    def __enter__(self) -> Load:
        self._began = time.perf_counter()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.seconds = time.perf_counter() - self._began

    def _run(self, ask: Ask) -> None:
        while not self._stop.is_set():
            try:
                ask()
            except Exception as error:
                self.failures.append(error)
            else:
                with self._lock:
                    self.answered += 1
