"""The machines on which a `worker_host` waits, as the environment names them."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

from tfx_pipeline.components.common.messages import Connection, Message, keep_alive
from tfx_pipeline.config import environment
from tfx_pipeline.errors import ConfigError, NodeError

TRAINING, TRIALS = "training", "trials"
"""What a host can do."""
_CONNECT_SECONDS = 60.0


def hosts(variables: Mapping[str, str] = os.environ) -> list[str]:
    """Where the other workers wait, as `HOST:PORT`; empty for this machine.

    Raises:
      ConfigError: the variable is not valid.
    """
    found = [text.strip() for text in variables.get(environment.WORKERS, "").split(",")]
    found = [text for text in found if text]
    for text in found:
        name, _, port = text.rpartition(":")
        if not name or not port.isdigit() or not 0 < int(port) < 65536:
            raise ConfigError(f"{environment.WORKERS} must be HOST:PORT,HOST:PORT, found {text!r}")
    return found


def key(variables: Mapping[str, str] = os.environ) -> str:
    """What the chief says to the hosts."""
    return variables.get(environment.WORKERS_KEY, "")


def connect(host: str, work: str, key: str) -> tuple[socket.socket, Connection, Message]:
    """Connects to a host, which ends its work when the connection is closed.

    Args:
      host: `HOST:PORT`.
      work: TRAINING or TRIALS.
      key: what the host expects to be told.

    Returns:
      The socket, its messages, and the host's first answer.

    Raises:
      NodeError: the host cannot be reached, or refuses.
    """
    name, _, port = host.rpartition(":")
    with contextlib.ExitStack() as on_error:
        try:
            connected = socket.create_connection((name, int(port)), _CONNECT_SECONDS)
            on_error.enter_context(connected)
            keep_alive(connected)
            messages = Connection(connected)
            messages.send({"key": key, "work": work})
            answer = messages.receive()
        except (OSError, ValueError) as error:
            raise NodeError(f"the worker at {host} cannot be reached: {error}") from error
        if answer is None or "error" in answer:
            reason = (answer or {}).get("error", "it closed the connection")
            raise NodeError(f"the worker at {host} does not train: {reason}")
        on_error.pop_all()
    connected.settimeout(None)
    return connected, messages, answer
