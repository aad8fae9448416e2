"""Trainings side by side in worker processes, on one machine or on several."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
from collections.abc import Sequence
from typing import Protocol, TypeVar

from tfx_pipeline.components.tuner.machines import Machine
from tfx_pipeline.components.tuner.trial_worker import MachineLost, Worker, WorkerDied
from tfx_pipeline.errors import NodeError

_log = logging.getLogger(__name__)
Task = TypeVar("Task")


class Tasks(Protocol[Task]):
    """What is trained. The methods are called by several threads."""

    def next(self) -> Task | None:
        """The next training; None if there is none."""

    def give_back(self, task: Task) -> None:
        """Takes back a training that was interrupted: `next` returns it once more."""

    def train(self, worker: Worker, task: Task) -> None:
        """Trains.

        Raises:
          WorkerDied: the worker's process has ended, and nothing is left to do about this task.
          MachineLost: the connection to its machine has.
        """


class Pool:
    """The workers of all machines, as a context manager; they live until its end.

    Args:
      machines: where they are.
      seconds: after this time all workers are ended; None for no limit.
    """

    def __init__(self, machines: Sequence[Machine], seconds: float | None):
        self._machines, self._seconds = machines, seconds
        self._idle: dict[str, list[Worker]] = {machine.name: [] for machine in machines}
        self._workers: set[Worker] = set()
        self._lost: set[str] = set()
        self._lock = threading.Lock()
        self.timed_out = False

    def __enter__(self) -> Pool:
        self._timer = threading.Timer(self._seconds or 0, self._time_out)
        self._timer.daemon = True
        if self._seconds is not None:
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        for worker in self._workers:
            worker.close()

    def _time_out(self) -> None:
        with self._lock:
            self.timed_out = True
            for worker in self._workers:
                worker.kill()

    def run(self, tasks: Tasks[Task]) -> None:
        """Trains until there is no task, or the time is over."""
        lost = None
        while lost != self._lost:  # others may have ended before a task was given back
            lost = set(self._lost)
            jobs = [m for m in self._machines if m.name not in lost for _ in range(m.jobs)]
            with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
                for future in [pool.submit(self._work, machine, tasks) for machine in jobs]:
                    future.result()

    def _work(self, machine: Machine, tasks: Tasks[Task]) -> None:
        """One worker's trainings; a worker that died is followed by another."""
        worker: Worker | None = None
        while not self.timed_out and (task := tasks.next()) is not None:
            try:
                worker = worker or self._worker(machine)
                tasks.train(worker, task)
            except WorkerDied:
                self._forget(worker)
                worker = None
            except (MachineLost, NodeError) as error:
                tasks.give_back(task)
                self._forget(worker)
                if not self.timed_out:  # else this process has ended the connection
                    self._lose(machine, error)
                return
        if worker is not None:
            with self._lock:
                self._idle[machine.name].append(worker)

    def _worker(self, machine: Machine) -> Worker:
        with self._lock:
            if self._idle[machine.name]:
                return self._idle[machine.name].pop()
        worker = machine.new_worker()
        with self._lock:
            self._workers.add(worker)
            if self.timed_out:
                worker.kill()
        return worker

    def _forget(self, worker: Worker | None) -> None:
        if worker is not None:
            with self._lock:
                self._workers.discard(worker)
            worker.close()

    def _lose(self, machine: Machine, error: Exception) -> None:
        with self._lock:
            if machine.name not in self._lost:
                _log.warning("Without the machine %s from now on: %s", machine.name, error)
            self._lost.add(machine.name)
