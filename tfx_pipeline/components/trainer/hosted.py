"""A worker of a training, for the chief that is connected to this machine's `worker_host`."""

from __future__ import annotations

import dataclasses
import select
import socket
import tempfile

from tfx_pipeline.components.common.messages import Connection
from tfx_pipeline.components.trainer.local_worker import LocalWorker, free_ports
from tfx_pipeline.components.trainer.worker import Task

_POLL_SECONDS = 0.2


def serve(connection: socket.socket, messages: Connection) -> None:
    """Trains one task; ends the worker when the chief has gone."""
    messages.send({"port": free_ports(1)[0]})
    connection.settimeout(None)
    request = messages.receive()
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
            messages.send({"code": code, "outcome": found})
        finally:
            worker.stop()
