"""The best trials of a search, compared by more rows than the split eval has.

The metric of the split eval changes by chance, and the best of many trials is partly the luckiest.
So the best ones and the first one, which has the values of the configuration, are trained again
with other rows held out; see `divisions`. `Study.chosen` compares the metrics.
"""

from __future__ import annotations

import collections
import logging
import math
import threading

from optuna.trial import FrozenTrial

from tfx_pipeline.components.tuner.pool import Pool
from tfx_pipeline.components.tuner.study import Study
from tfx_pipeline.components.tuner.trial_worker import Worker, WorkerDied

_log = logging.getLogger(__name__)

Task = tuple[FrozenTrial, int]
"""A trial and the number of the division."""


class CrossValidation:
    """Trains the best trials of a study with each division.

    Args:
      study: its trials; it keeps what was measured, so that a search that continues has it.
      metric: what trials report.
      pool: where they are trained.
      candidates: how many of the best trials, besides the first one.
      divisions: how many there are.
    """

    def __init__(self, study: Study, metric: str, pool: Pool, candidates: int, divisions: int):
        self._study, self._metric, self._pool = study, metric, pool
        self._lock = threading.Lock()
        found = study.candidates(candidates)
        # All trials with one division before the next, so that a time-out leaves means to compare.
        self._left: collections.deque[Task] = collections.deque(
            (trial, division)
            for division in range(1, divisions + 1 if len(found) > 1 else 1)
            for trial in found
            if division not in study.held_out(trial.number)
        )

    @property
    def left(self) -> int:
        """How many trainings there are to do."""
        return len(self._left)

    def next(self) -> Task | None:
        """See `pool.Tasks`."""
        with self._lock:
            return self._left.popleft() if self._left else None

    def give_back(self, task: Task) -> None:
        """See `pool.Tasks`."""
        with self._lock:
            self._left.appendleft(task)

    def train(self, worker: Worker, task: Task) -> None:
        """Trains a trial with a division and tells the study; see `pool.Tasks`."""
        trial, division = task
        value = math.nan

        def report(evaluation: int, reported: float) -> bool:
            nonlocal value
            value = reported
            return not math.isfinite(value)

        try:
            failed = worker.train(trial.params, report, division)
        except WorkerDied as error:
            if not self._pool.timed_out:
                self._end(trial, division, None, str(error))
            raise
        if failed is None and not math.isfinite(value):
            failed = f"{self._metric} is {value}"
        self._end(trial, division, None if failed else value, failed)

    def _end(
        self, trial: FrozenTrial, division: int, value: float | None, failed: str | None
    ) -> None:
        """A training that failed counts as well: its trial is compared no more."""
        self._study.set_held_out(trial.number, division, value)
        if value is None:
            _log.warning("Trial %d with other rows failed: %s", trial.number + 1, failed)
        else:
            text = "Trial %d with other rows (%d): %s %.5g"
            _log.info(text, trial.number + 1, division, self._metric, value)
