"""A worker on another machine, where `worker_host` waits for its task."""

from __future__ import annotations

import contextlib

from tfx_pipeline.components.common import worker_hosts
from tfx_pipeline.components.trainer.worker import FAILED, Outcome, Task


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
        self._socket, self._messages, answer = worker_hosts.connect(
            host, worker_hosts.TRAINING, key
        )
        self.address: str = f"{host.rpartition(':')[0]}:{answer['port']}"
        """Where TensorFlow will listen there."""
        self.own_host: str = self._socket.getsockname()[0]
        """This machine's address, as the host can reach it."""
        self._code: int | None = None
        self._outcome: Outcome | None = None

    def start(self, task: Task, tf_config: str) -> RemoteWorker:
        """Starts the training there."""
        with contextlib.suppress(OSError):  # `poll` sees the lost connection
            self._messages.send({"task": vars(task), "tf_config": tf_config})
        return self

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self._code is None and self._messages.has_news():
            try:
                answer = self._messages.receive()
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
