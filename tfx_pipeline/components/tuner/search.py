"""Trains the trials of a study side by side, on one machine or on several."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import logging
import math
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from optuna.trial import Trial

from tfx_pipeline.components.tuner.machines import Machine
from tfx_pipeline.components.tuner.study import Study
from tfx_pipeline.components.tuner.trial_worker import MachineLost, Worker, WorkerDied
from tfx_pipeline.errors import NodeError

_log = logging.getLogger(__name__)


@dataclasses.dataclass
class Search:
    """One search: trials are started until there are enough, or the time is over.

    Attributes:
      study: its trials.
      metric: what they report.
      machines: where they are trained.
      seconds: the time limit; None for none.
    """

    study: Study
    metric: str
    machines: Sequence[Machine]
    seconds: float | None

    def __post_init__(self) -> None:
        self._workers: set[Worker] = set()
        self._lost: set[str] = set()
        self._lock = threading.Lock()
        self.timed_out = False

    def run(self) -> None:
        """Trains until the study has enough trials, or the time is over."""
        with self._time_limit():
            lost = None
            while lost != self._lost:  # others may have ended before a trial was given back
                lost = set(self._lost)
                self._work_on([machine for machine in self.machines if machine.name not in lost])

    def _work_on(self, machines: Sequence[Machine]) -> None:
        jobs = [machine for machine in machines for _ in range(machine.jobs)]
        with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
            for future in [pool.submit(self._work, machine) for machine in jobs]:
                future.result()

    @contextlib.contextmanager
    def _time_limit(self) -> Iterator[None]:
        timer = threading.Timer(self.seconds or 0, self._time_out)
        timer.daemon = True
        if self.seconds is not None:
            timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _time_out(self) -> None:
        with self._lock:
            self.timed_out = True
            for worker in self._workers:
                worker.kill()

    def _work(self, machine: Machine) -> None:
        """One worker's trials; a worker that died is followed by another."""
        worker: Worker | None = None
        try:
            while not self.timed_out and (trial := self.study.next()) is not None:
                try:
                    worker = worker or self._new_worker(machine)
                    is_alive = self._train(worker, trial)
                except (MachineLost, NodeError) as error:
                    self.study.give_back(trial)
                    self._lose(machine, error)
                    return
                if not is_alive:
                    self._forget(worker)
                    worker = None
        finally:
            if worker is not None:
                worker.close()
                self._forget(worker)

    def _lose(self, machine: Machine, error: Exception) -> None:
        with self._lock:
            if machine.name not in self._lost:
                _log.warning("Without the machine %s from now on: %s", machine.name, error)
            self._lost.add(machine.name)

    def _new_worker(self, machine: Machine) -> Worker:
        worker = machine.new_worker()
        with self._lock:
            self._workers.add(worker)
            if self.timed_out:
                worker.kill()
        return worker

    def _forget(self, worker: Worker) -> None:
        with self._lock:
            self._workers.discard(worker)

    def _train(self, worker: Worker, trial: Trial) -> bool:
        """Trains a trial and tells the study; returns whether the worker still lives."""
        value, is_pruned = math.nan, False

        def report(evaluation: int, reported: float) -> bool:
            nonlocal value, is_pruned
            value = reported
            if math.isfinite(value):
                is_pruned = self.study.report(trial, evaluation, value)
            return is_pruned or not math.isfinite(value)

        try:
            failed = worker.train(trial.params, report)
        except (WorkerDied, MachineLost) as error:
            if self.timed_out:
                self.study.prune(trial, "the time was over")
            elif isinstance(error, MachineLost):
                raise
            else:
                self.study.fail(trial, str(error))
            self._log(trial)
            return False
        if failed is None and not math.isfinite(value):
            failed = f"{self.metric} is {value}"
        if failed is not None:
            self.study.fail(trial, failed)
        elif is_pruned:
            self.study.prune(trial, "worse than others at the same evaluation")
        else:
            self.study.end(trial, value)
        self._log(trial)
        return True

    def _log(self, trial: Trial) -> None:
        """One line about a trial that has ended, and the best so far."""
        records = self.study.records
        record = next(r for r in records if r["number"] == trial.number + 1)
        value = "" if record["value"] is None else f" {self.metric} {record['value']:.5g}"
        reason = f" ({record['reason']})" if record["state"] == "failed" else ""
        best = self.study.best
        top = f"best {best.value:.5g} of trial {best.number + 1}" if best else "none is best yet"
        values = ", ".join(f"{name}={_text(v)}" for name, v in record["values"].items())
        _log.info(
            "Trial %d %s%s:%s after %d evaluations, %.0f s; %s; %s",
            record["number"],
            record["state"],
            reason,
            value,
            record["evaluations"],
            record["seconds"],
            top,
            values,
        )


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
