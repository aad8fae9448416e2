"""Where the REST server processes a request: in the event loop if it is quick, else a thread."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

pytest.importorskip("tornado")

from tfx_pipeline.serving.local_server.rest_api import Response
from tfx_pipeline.serving.local_server.rest_server import RestServer

SMALL, LARGE = b"{}", b" " * 100_000


class Api:
    """Responses after `seconds`, with the name of the thread it ran in."""

    def __init__(self):
        self.seconds = 0.0

    def handle(self, method, path, body):
        time.sleep(self.seconds)
        return Response(200 if path != "/wrong" else 404, threading.current_thread().name.encode())


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def thread_of(api):
    server = RestServer(api, None, threads=2, max_pending=2, timeout_seconds=30, metrics_path=None)

    def run(path="/v1", body=SMALL):
        where = asyncio.run(server.handle("POST", path, body)).body
        return "thread" if where.startswith(b"rest") else "loop"

    yield run
    server.threads.shutdown()


def test_a_path_that_was_quick_runs_in_the_event_loop(thread_of):
    assert [thread_of(), thread_of(), thread_of("/other")] == ["thread", "loop", "thread"]


def test_a_path_that_was_slow_runs_in_a_thread_until_it_is_quick_again(thread_of, api):
    thread_of()
    api.seconds = 0.02
    assert [thread_of(), thread_of()] == ["loop", "thread"]
    api.seconds = 0.0
    assert [thread_of(), thread_of()] == ["thread", "loop"]


def test_large_bodies_and_wrong_requests_do_not_count(thread_of):
    thread_of()
    assert thread_of(body=LARGE) == "thread"
    assert [thread_of("/wrong"), thread_of("/wrong")] == ["thread", "thread"]
