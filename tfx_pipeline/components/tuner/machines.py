"""Where trials are trained: on this machine, and on those that the environment names."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator

from tfx_pipeline.components.common import worker_hosts
from tfx_pipeline.components.tuner.trial_worker import LocalWorker, RemoteWorker, Worker
from tfx_pipeline.components.tuner.worker import Start

_MOST_JOBS = 8


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine.

    Attributes:
      name: `HOST:PORT`; empty for this one.
      jobs: how many trials are trained there at the same time.
      new_worker: starts a worker there.
    """

    name: str
    jobs: int
    new_worker: Callable[[], Worker]


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


def machines(start: Start, jobs: int | None, trials: int) -> list[Machine]:
    """The machines of a search, this one first.

    Args:
      start: what all trials have in common.
      jobs: `tuning.jobs`, for each machine.
      trials: how many trials there are; a machine has no more jobs.

    Raises:
      ConfigError: the environment names no machines in the way that it must.
      NodeError: a machine cannot be reached, or refuses.
    """

    def machine(name: str, cores: int, worker: Callable[[Start, int], Worker]) -> Machine:
        count = min(jobs or min(cores, _MOST_JOBS), trials)
        threads = max(1, cores // count)
        return Machine(name, count, functools.partial(worker, start, threads))

    return [
        machine("", cores(), LocalWorker),
        *(
            machine(host, found, functools.partial(RemoteWorker, host))
            for host, found in _hosts_with_cores()
        ),
    ]


def _hosts_with_cores() -> Iterator[tuple[str, int]]:
    for host in worker_hosts.hosts():
        connection, _, answer = worker_hosts.connect(host, worker_hosts.TRIALS, worker_hosts.key())
        connection.close()
        yield host, int(answer["cores"])
