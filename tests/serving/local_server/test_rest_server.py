"""Where the REST side does its work: in the event loop what is quick, else in a thread."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

pytest.importorskip("tornado")

from tfx_pipeline.serving.local_server.rest_api import Answer
from tfx_pipeline.serving.local_server.rest_server import RestServer

SMALL, LARGE = b"{}", b" " * 100_000


class Api:
    """Answers after `seconds`, with the name of the thread it ran in."""

    def __init__(self):
        self.seconds = 0.0

    def answer(self, method, path, body):
        time.sleep(self.seconds)
        return Answer(200 if path != "/wrong" else 404, threading.current_thread().name.encode())


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def ask(api):
    server = RestServer(api, None, threads=2, most_pending=2, timeout_seconds=30, metrics_path=None)

    def asked(path="/v1", body=SMALL):
        where = asyncio.run(server.answer("POST", path, body)).body
        return "thread" if where.startswith(b"rest") else "loop"

    yield asked
    server.threads.shutdown()


def test_what_was_quick_once_is_answered_at_once(ask):
    assert [ask(), ask(), ask("/other")] == ["thread", "loop", "thread"]


def test_what_was_slow_goes_to_a_thread_until_it_is_quick_again(ask, api):
    ask()
    api.seconds = 0.02
    assert [ask(), ask()] == ["loop", "thread"]
    api.seconds = 0.0
    assert [ask(), ask()] == ["thread", "loop"]


def test_large_bodies_and_wrong_requests_say_nothing_of_small_ones(ask):
    ask()
    assert ask(body=LARGE) == "thread"
    assert [ask("/wrong"), ask("/wrong")] == ["thread", "thread"]
