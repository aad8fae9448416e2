"""Workers on this machine: processes with a port, and perhaps a GPU, of their own."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, cast

from tfx_pipeline.components.common import worker_process
from tfx_pipeline.components.trainer.worker import Outcome, Task, read_outcome
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.modeling import tf_config

_COMMAND = (sys.executable, "-m", "tfx_pipeline.components.trainer.worker")
_GRACE_SECONDS = 10.0
"""How long a worker may take to end after SIGTERM."""


class LocalWorker:
    """A worker on this machine.

    Args:
      task: what to train.
      place: TF_CONFIG, TensorFlow's description of the cluster and of this worker's place in it.
      folder: for the file with its outcome.
      variables: more environment variables.
    """

    def __init__(
        self, task: Task, place: str, folder: str, variables: dict[str, str] | None = None
    ):
        handle, path = tempfile.mkstemp(prefix="outcome-", dir=folder)
        os.close(handle)
        os.remove(path)
        self._outcome = pathlib.Path(path)
        environ = worker_process.environment(**{tf_config.NAME: place, **(variables or {})})
        command = [*_COMMAND, path]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environ, text=True)
        # It stays open: the worker ends when this process does.
        self._stdin = cast(IO[str], self._process.stdin)
        with contextlib.suppress(BrokenPipeError):
            self._stdin.write(json.dumps(vars(task)) + "\n")
            self._stdin.flush()

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def outcome(self) -> Outcome | None:
        """Why it failed, if it could say."""
        return read_outcome(self._outcome)

    def stop(self) -> None:
        """Ends it and waits for its end."""
        self._process.terminate()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()


def free_ports(count: int) -> list[int]:
    """Different free ports of this machine."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("", 0))
        return [each.getsockname()[1] for each in sockets]


def starts(
    task: Task, count: int, gpus: Sequence[str], folder: str
) -> Iterator[Callable[[], LocalWorker]]:
    """What starts workers on this machine, the chief first.

    Args:
      task: what to train.
      count: the number of workers.
      gpus: the GPUs of this machine, by their names in CUDA_VISIBLE_DEVICES.
      folder: for their files.

    Raises:
      ConfigError: there are GPUs, but not one for each worker.
    """
    if 0 < len(gpus) < count:
        raise ConfigError(
            f"training.workers: {count} workers need a GPU each, and this machine has {len(gpus)}. "
            f"Set workers to {len(gpus)} or fewer, or CUDA_VISIBLE_DEVICES to -1 for none"
        )
    addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
    threads = max(1, len(os.sched_getaffinity(0)) // count)
    for number in range(count):
        variables = {"TF_NUM_INTRAOP_THREADS": str(threads)}
        if gpus:
            variables["CUDA_VISIBLE_DEVICES"] = ",".join(gpus[number::count])
        place = tf_config.write(addresses, number)
        yield functools.partial(LocalWorker, task, place, folder, variables)


def visible_gpus(variables: Mapping[str, str]) -> list[str]:
    """The GPUs of this machine, by their names in CUDA_VISIBLE_DEVICES."""
    import tensorflow as tf

    count = len(tf.config.list_physical_devices("GPU"))
    named = [name.strip() for name in variables.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    return named[:count] if any(named) else [str(number) for number in range(count)]
