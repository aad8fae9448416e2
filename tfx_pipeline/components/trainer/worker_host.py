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
import os
import select
import socket
import sys
import tempfile

from tfx_pipeline.components.trainer.local_worker import LocalWorker, free_ports
from tfx_pipeline.components.trainer.messages import Line, keep_alive
from tfx_pipeline.components.trainer.remote_worker import key
from tfx_pipeline.components.trainer.worker import Task

DEFAULT_PORT = 2223
_HELLO_SECONDS = 30.0
_POLL_SECONDS = 0.2


def serve(port: int, expected: str) -> None:
    """Serves one chief after the other, without end.

    Args:
      port: where to listen.
      expected: the key that a chief must know.
    """
    with socket.create_server(("", port)) as server:
        print(f"Waiting for a chief on port {server.getsockname()[1]}", file=sys.stderr, flush=True)
        while True:
            connection, address = server.accept()
            with connection, contextlib.suppress(OSError, ValueError):
                print(f"Connected to {address[0]}", file=sys.stderr, flush=True)
                _serve_chief(connection, expected)


def _serve_chief(connection: socket.socket, expected: str) -> None:
    connection.settimeout(_HELLO_SECONDS)
    keep_alive(connection)
    line = Line(connection)
    hello = line.receive()
    if hello is None:  # only looked whether this port is open
        return
    if not hmac.compare_digest(str(hello.get("key", "")).encode(), expected.encode()):
        line.send({"error": "the key in TFX_PIPELINE_WORKERS_KEY is another one here"})
        return
    line.send({"port": free_ports(1)[0]})
    connection.settimeout(None)
    request = line.receive()
    if request is not None:
        _train(line, connection, Task(**request["task"]), request["tf_config"])


def _train(line: Line, connection: socket.socket, task: Task, tf_config: str) -> None:
    """Trains; ends the worker when the chief has gone."""
    with tempfile.TemporaryDirectory(prefix="worker-host-") as folder:
        worker = LocalWorker(task, tf_config, folder)
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
    serve(arguments.port, key(os.environ))


if __name__ == "__main__":
    main()
