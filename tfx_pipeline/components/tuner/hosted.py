"""A worker of a search, for the chief that is connected to this machine's `worker_host`."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading

from tfx_pipeline.components.common.messages import Channel, Connection
from tfx_pipeline.components.tuner import machines, trial_worker


def serve(connection: socket.socket, messages: Connection) -> None:
    """Trains trials until the chief closes the connection; then it ends the worker.

    First the chief is told how many processor cores there are, and says how many threads the
    worker may use. A chief that only wanted to know closes the connection here.
    """
    messages.send({"cores": machines.cores()})
    connection.settimeout(None)
    request = messages.receive()
    if request is None:
        return
    process = trial_worker.start_process(int(request["threads"]))
    answers = threading.Thread(target=_pass_answers, args=(process, connection, messages))
    answers.start()
    try:
        channel = trial_worker.channel(process)
        with contextlib.suppress(OSError):  # one of both has ended
            _pass_on(messages, channel)
    finally:
        process.kill()
        answers.join()


def _pass_on(source: Channel, target: Channel) -> None:
    while (message := source.receive()) is not None:
        target.send(message)


def _pass_answers(
    process: subprocess.Popen[str], connection: socket.socket, messages: Connection
) -> None:
    """What the worker says; at last, why it has ended."""
    with contextlib.suppress(OSError):
        _pass_on(trial_worker.channel(process), messages)
        messages.send({"died": trial_worker.how_it_ended(process.wait())})
        connection.shutdown(socket.SHUT_RDWR)
