"""Waits for a chief and trains for it: `python -m tfx_pipeline.components.trainer.worker_host`.

It runs on each machine but the chief's. There, the node Trainer finds it by the variable
TFX_PIPELINE_WORKERS. One training at a time; whoever connects must know the key in
TFX_PIPELINE_WORKERS_KEY. The connections are not encrypted, as TensorFlow's own are not:
use it in a network that others cannot reach.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hmac
import logging
import os
import select
import socket
import tempfile
import threading

from tfx_pipeline.components.trainer.local_worker import LocalWorker, free_ports
from tfx_pipeline.components.trainer.messages import Line, keep_alive
from tfx_pipeline.components.trainer.remote_worker import key
from tfx_pipeline.components.trainer.worker import Task
from tfx_pipeline.config import environment

DEFAULT_PORT = 2223
_HELLO_SECONDS = 30.0
_POLL_SECONDS = 0.2

_log = logging.getLogger(__name__)
_one_training = threading.Lock()


def serve(port: int, expected: str) -> None:
    """Serves one chief after the other, without end.

    Args:
      port: where to listen.
      expected: the key that a chief must know.
    """
    with socket.create_server(("", port)) as server:
        _log.info("Waiting for a chief on port %d", server.getsockname()[1])
        while True:
            connection, address = server.accept()
            # Connections that only look whether the port is open come while it trains, too.
            arguments = (connection, address[0], expected)
            threading.Thread(target=_serve_chief, args=arguments, daemon=True).start()


def _serve_chief(connection: socket.socket, address: str, expected: str) -> None:
    connection.settimeout(_HELLO_SECONDS)
    keep_alive(connection)
    line = Line(connection)
    with connection, contextlib.suppress(OSError, ValueError):
        hello = line.receive()
        if hello is None:  # only looked whether this port is open
            return
        if not hmac.compare_digest(str(hello.get("key", "")).encode(), expected.encode()):
            line.send({"error": f"it has another key in {environment.WORKERS_KEY}"})
        # The worker of a chief that has just failed may need a moment to end.
        elif not _one_training.acquire(timeout=_HELLO_SECONDS):
            line.send({"error": "it trains for another chief"})
        else:
            try:
                _log.info("Training for %s", address)
                _train(connection, line)
            finally:
                _one_training.release()
                _log.info("Waiting for a chief")


def _train(connection: socket.socket, line: Line) -> None:
    """Trains one task; ends the worker when the chief has gone."""
    line.send({"port": free_ports(1)[0]})
    connection.settimeout(None)
    request = line.receive()
    if request is None:
        return
    with tempfile.TemporaryDirectory(prefix="worker-host-") as folder:
        worker = LocalWorker(Task(**request["task"]), request["tf_config"], folder)
        try:
            while (code := worker.poll()) is None:
                if select.select([connection], [], [], _POLL_SECONDS)[0]:
                    return  # The chief says nothing more: it has closed the connection.
            outcome = worker.outcome()
            found = dataclasses.asdict(outcome) if outcome else None
            line.send({"code": code, "outcome": found})
        finally:
            worker.stop()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Waits for a chief and trains for it.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    arguments = parser.parse_args()
    logging.basicConfig(format="worker host: %(message)s", level=logging.INFO)
    serve(arguments.port, key(os.environ))


if __name__ == "__main__":
    main()
