"""The trials of a study as the tasks of a pool."""

from __future__ import annotations

import logging
import math
from typing import Any

from optuna.trial import Trial

from tfx_pipeline.components.tuner.pool import Pool
from tfx_pipeline.components.tuner.study import Study
from tfx_pipeline.components.tuner.trial_worker import MachineLost, Worker, WorkerDied

_log = logging.getLogger(__name__)


class Search:
    """Trains trials until the study has enough of them.

    Args:
      study: its trials.
      metric: what they report.
      pool: where they are trained.
    """

    def __init__(self, study: Study, metric: str, pool: Pool):
        self._study, self._metric, self._pool = study, metric, pool
        self.next, self.give_back = study.next, study.give_back

    def train(self, worker: Worker, trial: Trial) -> None:
        """Trains a trial and tells the study how it ended; see `pool.Tasks`."""
        value, is_pruned = math.nan, False

        def report(evaluation: int, reported: float) -> bool:
            nonlocal value, is_pruned
            value = reported
            if math.isfinite(value):
                is_pruned = self._study.report(trial, evaluation, value)
            return is_pruned or not math.isfinite(value)

        try:
            failed = worker.train(trial.params, report)
        except (WorkerDied, MachineLost) as error:
            if self._pool.timed_out:
                self._study.prune(trial, "the time was over")
            elif isinstance(error, MachineLost):
                raise
            else:
                self._study.fail(trial, str(error))
            self._log(trial)
            raise WorkerDied(str(error)) from error
        if failed is None and not math.isfinite(value):
            failed = f"{self._metric} is {value}"
        if failed is not None:
            self._study.fail(trial, failed)
        elif is_pruned:
            self._study.prune(trial, "worse than others at the same evaluation")
        else:
            self._study.end(trial, value)
        self._log(trial)

    def _log(self, trial: Trial) -> None:
        """One line about a trial that has ended, and the best so far."""
        records = self._study.records
        record = next(r for r in records if r["number"] == trial.number + 1)
        value = "" if record["value"] is None else f" {self._metric} {record['value']:.5g}"
        reason = f" ({record['reason']})" if record["state"] == "failed" else ""
        best = self._study.best
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
