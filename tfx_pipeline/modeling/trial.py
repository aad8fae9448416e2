"""A training as a trial of the Tuner: reports each evaluation, and ends before the export."""

from __future__ import annotations

from typing import Protocol

import tf_keras
from typing_extensions import override

from tfx_pipeline.modeling.early_stopping import KeepBest

TRIAL = "trial"
"""The key of `fn_args.custom_config` where a `run_fn` finds its trial."""


class Trial(Protocol):
    """Who follows a training.

    Attributes:
      metric: the name of the metric to report.
    """

    metric: str

    def report(self, evaluation: int, value: float) -> bool:
        """Takes the metric of the best weights so far; returns whether the training shall end.

        Args:
          evaluation: its number, from 1.
          value: of the eval split.
        """


class TrialEnded(Exception):
    """Ends a `run_fn` after `training.fit`: a trial needs no model, only its metric."""


class ReportTrial(tf_keras.callbacks.Callback):
    """Reports the metric of the weights that are kept, after every evaluation."""

    def __init__(self, trial: Trial, kept: KeepBest | None):
        super().__init__()
        self._trial, self._kept = trial, kept
        self._value = float("nan")

    @override
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self._kept is None or self._kept.kept_now:
            self._value = float((logs or {})[f"val_{self._trial.metric}"])
        if self._trial.report(epoch + 1, self._value):
            self.model.stop_training = True
