"""Waits for a chief and trains for it: `python -m tfx_pipeline.components.worker_host`.

It runs on each machine but the chief's. There, the nodes Trainer and Tuner find it by the
variable TFX_PIPELINE_WORKERS. It does one training at a time, or trials of one or several
searches; whoever connects must know the key in TFX_PIPELINE_WORKERS_KEY. The connections are
not encrypted, as TensorFlow's own are not: use it in a network that others cannot reach.
"""

from __future__ import annotations

import argparse
import contextlib
import hmac
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator

from tfx_pipeline.components.common import worker_hosts
from tfx_pipeline.components.common.messages import Connection, Message, keep_alive
from tfx_pipeline.components.trainer import hosted as training
from tfx_pipeline.components.tuner import hosted as trials
from tfx_pipeline.config import environment

DEFAULT_PORT = 2223
_HELLO_SECONDS = 30.0
_WORKS = {worker_hosts.TRAINING: training.serve, worker_hosts.TRIALS: trials.serve}

_log = logging.getLogger(__name__)


class _Occupied(Exception):
    """This machine trains for another chief."""


class _Occupancy:
    """What this machine does: one training, or any number of trials, or nothing."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._running: list[str] = []

    @contextlib.contextmanager
    def doing(self, work: str) -> Iterator[None]:
        """Waits until this machine can do the work, and does it inside."""
        with self._free:
            # The worker of a chief that has just failed may need a moment to end.
            if not self._free.wait_for(lambda: self._can_do(work), _HELLO_SECONDS):
                raise _Occupied
            self._running.append(work)
        try:
            yield
        finally:
            with self._free:
                self._running.remove(work)
                self._free.notify_all()

    def _can_do(self, work: str) -> bool:
        return not self._running or {work, *self._running} == {worker_hosts.TRIALS}


def serve(port: int, expected: str) -> None:
    """Serves chiefs, without end.

    Args:
      port: where to listen.
      expected: the key that a chief must know.
    """
    occupancy = _Occupancy()
    with socket.create_server(("", port)) as server:
        _log.info("Waiting for a chief on port %d", server.getsockname()[1])
        while True:
            connection, address = server.accept()
            # Connections that only look whether the port is open come while it trains, too.
            arguments = (connection, address[0], expected, occupancy)
            threading.Thread(target=_serve_chief, args=arguments, daemon=True).start()


def _serve_chief(
    connection: socket.socket, address: str, expected: str, occupancy: _Occupancy
) -> None:
    connection.settimeout(_HELLO_SECONDS)
    keep_alive(connection)
    messages = Connection(connection)
    with connection, contextlib.suppress(OSError, ValueError):
        hello = messages.receive()
        if hello is None:  # only looked whether this port is open
            return
        if refusal := _refusal(hello, expected):
            messages.send({"error": refusal})
            return
        try:
            with occupancy.doing(hello["work"]):
                began = time.monotonic()
                _log.info("Started %s for %s", hello["work"], address)
                _WORKS[hello["work"]](connection, messages)
                _log.info("It has ended after %.0f s", time.monotonic() - began)
        except _Occupied:
            messages.send({"error": "it trains for another chief"})


def _refusal(hello: Message, expected: str) -> str | None:
    """Why a chief is refused; None if it is not."""
    if not hmac.compare_digest(str(hello.get("key", "")).encode(), expected.encode()):
        return f"it has another key in {environment.WORKERS_KEY}"
    if hello.get("work") not in _WORKS:
        return f"it does not know the work {hello.get('work')!r}; use the same version there"
    return None


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Waits for a chief and trains for it.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    arguments = parser.parse_args()
    logging.basicConfig(format="worker host: %(message)s", level=logging.INFO)
    serve(arguments.port, worker_hosts.key(os.environ))


if __name__ == "__main__":
    main()
