"""Trains the trials of a study side by side, each worker in a process of its own."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import logging
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from optuna.trial import Trial

from tfx_pipeline.components.common import worker_process
from tfx_pipeline.components.tuner.study import Study
from tfx_pipeline.components.tuner.worker import Channel, Start

_log = logging.getLogger(__name__)
_MODULE = "tfx_pipeline.components.tuner.worker"
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


class WorkerDied(Exception):
    """A worker's process ended during a trial."""


class Worker:
    """A process that trains one trial after the other.

    Args:
      start: what all its trials have in common.
      threads: how many threads TensorFlow may use.
    """

    def __init__(self, start: Start, threads: int):
        environment = worker_process.environment(
            **dict.fromkeys(_THREADS, str(threads)),
            TF_CPP_MIN_LOG_LEVEL="2",  # there is one line for each pass over the rows
            PYTHONWARNINGS=os.environ.get("PYTHONWARNINGS", "ignore::FutureWarning"),
            TF_FORCE_GPU_ALLOW_GROWTH="true",  # workers share the GPUs
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a worker without pipes")
        self._channel = Channel(self._process.stdout, self._process.stdin)
        with contextlib.suppress(BrokenPipeError):  # the first trial finds that it died
            self._channel.write(**dataclasses.asdict(start))

    def train(self, values: Mapping[str, Any], report: Callable[[int, float], bool]) -> str | None:
        """Trains a trial; returns why it failed, or None.

        Args:
          values: its hyperparameters.
          report: is given each evaluation and its value; returns whether to end the training.

        Raises:
          WorkerDied: the process has ended.
        """
        try:
            self._channel.write(values=dict(values))
            while (message := self._channel.read()) is not None:
                if "failed" in message:
                    return str(message["failed"])
                if "ended" in message:
                    return None
                stop = report(message["evaluation"], message["value"])
                self._channel.write(stop=stop)
        except BrokenPipeError:
            pass
        raise WorkerDied(_how_it_ended(self._process.wait()))

    def kill(self) -> None:
        """Ends the process, whatever it does."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Lets the process end, and waits for it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process.wait()


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"its process ended with exit code {code}; see the log"
    name = signal.Signals(-code).name
    hint = "; perhaps there was too little memory: set tuning.jobs" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{hint}"


@dataclasses.dataclass
class Search:
    """One search: trials are started until there are enough, or the time is over.

    Attributes:
      study: its trials.
      start: for the workers.
      jobs: how many workers there are.
      threads: of each worker.
      seconds: the time limit; None for none.
    """

    study: Study
    start: Start
    jobs: int
    threads: int
    seconds: float | None

    def __post_init__(self) -> None:
        self._workers: set[Worker] = set()
        self._lock = threading.Lock()
        self.timed_out = False

    def run(self) -> None:
        """Trains until the study has enough trials, or the time is over."""
        with self._time_limit(), concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for future in [pool.submit(self._work) for _ in range(self.jobs)]:
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

    def _work(self) -> None:
        """One worker's trials; a worker that died is followed by another."""
        worker: Worker | None = None
        try:
            while not self.timed_out and (trial := self.study.next()) is not None:
                if worker is None:
                    worker = self._new_worker()
                if not self._train(worker, trial):
                    self._forget(worker)
                    worker = None
        finally:
            if worker is not None:
                worker.close()
                self._forget(worker)

    def _new_worker(self) -> Worker:
        with self._lock:
            worker = Worker(self.start, self.threads)
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
        except WorkerDied as error:
            if self.timed_out:
                self.study.prune(trial, "the time was over")
            else:
                self.study.fail(trial, str(error))
            self._log(trial)
            return False
        if failed is None and not math.isfinite(value):
            failed = f"{self.start.metric} is {value}"
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
        value = "" if record["value"] is None else f" {self.start.metric} {record['value']:.5g}"
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
