"""A process that trains trials, as the search sees it: on this machine or on another one."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tfx_pipeline.components.common import worker_hosts, worker_process
from tfx_pipeline.components.common.messages import Channel, Pipes
from tfx_pipeline.components.tuner.worker import Start

_MODULE = "tfx_pipeline.components.tuner.worker"
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")

Report = Callable[[int, float], bool]
"""Is given each evaluation and its value; returns whether to end the training."""


class WorkerDied(Exception):
    """A worker's process ended during a trial."""


class MachineLost(Exception):
    """The machine of a worker cannot be reached."""


class Worker(Protocol):
    """A process that trains one trial after the other."""

    def train(self, values: Mapping[str, Any], report: Report, division: int = 0) -> str | None:
        """Trains a trial; returns why it failed, or None.

        Args:
          values: its hyperparameters.
          report: for each evaluation.
          division: which rows are held out, see `divisions`; 0 for those of the split eval.

        Raises:
          WorkerDied: the process has ended.
          MachineLost: the connection to its machine has.
        """

    def kill(self) -> None:
        """Ends the process, whatever it does."""

    def close(self) -> None:
        """Lets the process end."""


class LocalWorker:
    """A worker on this machine.

    Args:
      start: what all its trials have in common.
      threads: how many threads TensorFlow may use.
    """

    def __init__(self, start: Start, threads: int):
        self._process = start_process(threads)
        self._channel = channel(self._process)
        with contextlib.suppress(BrokenPipeError):  # the first trial finds that it died
            self._channel.send(dataclasses.asdict(start))

    def train(self, values: Mapping[str, Any], report: Report, division: int = 0) -> str | None:
        """See `Worker`."""
        with contextlib.suppress(BrokenPipeError):
            answer = _converse(self._channel, values, report, division)
            if answer is not None:
                return answer.get("failed")
        raise WorkerDied(how_it_ended(self._process.wait()))

    def kill(self) -> None:
        """See `Worker`."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """See `Worker`."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process.wait()


class RemoteWorker:
    """A worker that a `worker_host` on another machine starts; see `hosted`.

    Args:
      host: `HOST:PORT` of the host.
      start: what all its trials have in common.
      threads: how many threads TensorFlow may use.

    Raises:
      NodeError: the host cannot be reached, or refuses.
    """

    def __init__(self, host: str, start: Start, threads: int):
        found = worker_hosts.connect(host, worker_hosts.TRIALS, worker_hosts.key())
        self._socket, self._messages, _ = found
        with contextlib.suppress(OSError):  # the first trial finds the lost connection
            self._messages.send({"threads": threads})
            self._messages.send(dataclasses.asdict(start))

    def train(self, values: Mapping[str, Any], report: Report, division: int = 0) -> str | None:
        """See `Worker`."""
        try:
            answer = _converse(self._messages, values, report, division)
        except (OSError, ValueError) as error:
            raise MachineLost(str(error)) from error
        if answer is None:
            raise MachineLost("it closed the connection")
        if "died" in answer:
            raise WorkerDied(answer["died"])
        return answer.get("failed")

    def kill(self) -> None:
        """See `Worker`."""
        with contextlib.suppress(OSError):
            # A thread that waits for a message gets the end of the connection.
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    close = kill


def _converse(
    messages: Channel, values: Mapping[str, Any], report: Report, division: int
) -> dict[str, Any] | None:
    """A trial; returns the worker's last message about it, None if there was none."""
    messages.send({"values": dict(values), "division": division})
    while (message := messages.receive()) is not None and "evaluation" in message:
        messages.send({"stop": report(message["evaluation"], message["value"])})
    return message


def start_process(threads: int) -> subprocess.Popen[str]:
    """Starts the process of a worker, with pipes.

    Args:
      threads: how many threads TensorFlow may use.
    """
    environment = worker_process.environment(
        **dict.fromkeys(_THREADS, str(threads)),
        TF_CPP_MIN_LOG_LEVEL="2",  # there is one line for each pass over the rows
        PYTHONWARNINGS=os.environ.get("PYTHONWARNINGS", "ignore::FutureWarning"),
        TF_FORCE_GPU_ALLOW_GROWTH="true",  # workers share the GPUs
    )
    return subprocess.Popen(
        [sys.executable, "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def channel(process: subprocess.Popen[str]) -> Pipes:
    """The channel to a worker's process."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a worker without pipes")
    return Pipes(process.stdout, process.stdin)


def how_it_ended(code: int) -> str:
    """Why a worker's process is gone, by its exit code."""
    if code >= 0:
        return f"its process ended with exit code {code}; see the log"
    name = signal.Signals(-code).name
    hint = "; perhaps there was too little memory: set tuning.jobs" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{hint}"
