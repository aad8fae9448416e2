"""A worker on another machine, where `worker_host` waits for its task."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

from tfx_pipeline.components.trainer.messages import Line, keep_alive
from tfx_pipeline.components.trainer.worker import FAILED, Outcome, Task
from tfx_pipeline.config import environment
from tfx_pipeline.errors import ConfigError, NodeError

_CONNECT_SECONDS = 60.0


class RemoteWorker:
    """A worker that a host starts. The host ends it when this connection is closed.

    Args:
      host: `HOST:PORT` of the host.
      key: what the host expects to be told.

    Raises:
      NodeError: the host cannot be reached, or trains for somebody else.
    """

    def __init__(self, host: str, key: str):
        self._host = host
        name, _, port = host.rpartition(":")
        try:
            self._socket = socket.create_connection((name, int(port)), _CONNECT_SECONDS)
            keep_alive(self._socket)
            self._line = Line(self._socket)
            self._line.send({"key": key})
            answer = self._line.receive()
        except (OSError, ValueError) as error:
            raise NodeError(f"the worker at {host} cannot be reached: {error}") from error
        if answer is None or "port" not in answer:
            reason = (answer or {}).get("error", "it closed the connection")
            raise NodeError(f"the worker at {host} does not train: {reason}")
        self._socket.settimeout(None)
        self.address: str = f"{name}:{answer['port']}"
        """Where TensorFlow will listen there."""
        self.own_host: str = self._socket.getsockname()[0]
        """This machine's address, as the host can reach it."""
        self._code: int | None = None
        self._outcome: Outcome | None = None

    def start(self, task: Task, tf_config: str) -> RemoteWorker:
        """Starts the training there."""
        with contextlib.suppress(OSError):  # `poll` sees the lost connection
            self._line.send({"task": vars(task), "tf_config": tf_config})
        return self

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self._code is None and self._line.has_news():
            try:
                answer = self._line.receive()
            except (OSError, ValueError) as error:
                answer = {"lost": str(error)}
            if answer is None or "code" not in answer:
                reason = (answer or {}).get("lost", "it closed the connection")
                self._outcome = Outcome(FAILED, f"its machine {self._host} is gone: {reason}")
                self._code = 1
            else:
                self._code = answer["code"]
                self._outcome = Outcome.read(answer["outcome"])
        return self._code

    def outcome(self) -> Outcome | None:
        """Why it failed, if it could say."""
        return self._outcome

    def stop(self) -> None:
        """Closes the connection; the host ends the worker then."""
        self._socket.close()
        self._code = 1 if self._code is None else self._code


def hosts(variables: Mapping[str, str]) -> list[str]:
    """Where the other workers wait, as the environment says; empty for this machine.

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
