"""The trials of one search: Optuna's study, in a file from which a killed search continues."""

from __future__ import annotations

import os
import tempfile
import threading
import time
import warnings
from collections.abc import Mapping
from typing import Any, cast

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState
from tfx.dsl.io import fileio

from tfx_pipeline.config.tuning import Tuning, Value
from tfx_pipeline.storage.layout import is_remote

_REASON, _SECONDS = "reason", "seconds"
_NAMES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}

_PRUNERS = {
    # Early evaluations say little, and the median of few trials is chance.
    "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=5),
    "hyperband": lambda: optuna.pruners.HyperbandPruner(min_resource=3),
    "none": optuna.pruners.NopPruner,
}


class _NoLock:
    """Instead of Optuna's lock of the journal, which would outlive a process that is killed."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


class Study:
    """The trials of a search. Any thread may call the methods.

    Args:
      file: Optuna's journal, local or on an object store; no other process may use it. A search
        whose file exists continues there: what has ended counts, and what was interrupted is
        trained again.
      space: what is searched.
      settings: the section `tuning`.
      higher_is_better: the direction of the metric.
      first: the values of the first trial; those of the space that are absent are drawn.
      jobs: how many trials run at the same time.
    """

    def __init__(
        self,
        file: str,
        space: Mapping[str, BaseDistribution],
        settings: Tuning,
        higher_is_better: bool,
        first: Mapping[str, Value],
        jobs: int,
    ):
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space, self._trials, self._file = dict(space), settings.trials, file
        self._lock = threading.RLock()
        self._local = _fetched(file)
        storage = JournalStorage(JournalFileBackend(self._local, cast(Any, _NoLock())))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study = optuna.create_study(
                study_name="tuning",
                storage=storage,
                pruner=_PRUNERS[settings.pruning](),
                direction="maximize" if higher_is_better else "minimize",
                load_if_exists=True,
            )
            # With the same seed, a search that continues would draw the same values once more.
            seed = settings.seed + len(self._study.get_trials(deepcopy=False))
            self._study.sampler = optuna.samplers.TPESampler(
                seed=seed, multivariate=True, constant_liar=jobs > 1
            )
        self._continue(first)

    def _continue(self, first: Mapping[str, Value]) -> None:
        """Trains interrupted trials again; the first trial of all has the values `first`."""
        known = self._study.get_trials(deepcopy=False)
        for trial in known:
            if trial.state == TrialState.RUNNING:
                self.give_back(trial)
        if not known:
            self._study.enqueue_trial(dict(first))

    def next(self) -> Trial | None:
        """Starts a trial; None if there are enough, or if none of the first three succeeded."""
        with self._lock:
            started = [
                t
                for t in self._study.get_trials(deepcopy=False)
                if t.state in (TrialState.RUNNING, *_NAMES) and not _is_interrupted(t)
            ]
            failed = [t for t in started if t.state == TrialState.FAIL]
            if len(started) >= self._trials or len(failed) == len(started) >= 3:
                return None
            trial = self._study.ask(self._space)
            trial.set_user_attr("started", time.time())
            return trial

    def give_back(self, trial: Trial | FrozenTrial) -> None:
        """Ends a trial that was interrupted; its values are trained again."""
        with self._lock:
            self._study.tell(trial.number, state=TrialState.FAIL)
            self._study.enqueue_trial(trial.params)

    def report(self, trial: Trial, evaluation: int, value: float) -> bool:
        """Takes a value of a trial that runs; returns whether it shall end."""
        with self._lock:
            trial.report(value, evaluation)
            return bool(trial.should_prune())  # Optuna may return one of NumPy's

    def end(self, trial: Trial, value: float) -> None:
        """Ends a trial that trained to its end."""
        self._tell(trial, TrialState.COMPLETE, None, value)

    def prune(self, trial: Trial, reason: str) -> None:
        """Ends a trial that stopped early."""
        self._tell(trial, TrialState.PRUNED, reason)

    def fail(self, trial: Trial, reason: str) -> None:
        """Ends a trial that could not be trained."""
        self._tell(trial, TrialState.FAIL, reason)

    def _tell(
        self, trial: Trial, state: TrialState, reason: str | None, value: float | None = None
    ) -> None:
        with self._lock:
            trial.set_user_attr(_SECONDS, time.time() - trial.user_attrs["started"])
            if reason is not None:
                trial.set_user_attr(_REASON, reason)
            self._study.tell(trial, value, state=state)
            if self._local != self._file:
                fileio.copy(self._local, self._file, overwrite=True)

    @property
    def records(self) -> list[dict[str, Any]]:
        """All trials that ended, in their order, as plain data; see `results`."""
        trials = self._study.get_trials(deepcopy=False)
        return [_record(t) for t in trials if t.state in _NAMES and not _is_interrupted(t)]

    @property
    def best(self) -> FrozenTrial | None:
        """The best trial that trained to its end."""
        with self._lock:
            complete = any(t.state == TrialState.COMPLETE for t in self._study.get_trials(False))
            return self._study.best_trial if complete else None


def _is_interrupted(trial: FrozenTrial) -> bool:
    """A trial that failed for a reason has the reason."""
    return trial.state == TrialState.FAIL and _REASON not in trial.user_attrs


def _record(trial: FrozenTrial) -> dict[str, Any]:
    values = trial.intermediate_values
    last = values[max(values)] if values else None
    return {
        "number": trial.number + 1,
        "state": _NAMES[trial.state],
        "value": last if trial.value is None else trial.value,
        "evaluations": max(values, default=0),
        "seconds": trial.user_attrs.get(_SECONDS),
        "values": dict(trial.params),
        "reason": trial.user_attrs.get(_REASON),
    }


def _fetched(file: str) -> str:
    """The local path of the journal; one of an object store is copied to here."""
    if not is_remote(file):
        os.makedirs(os.path.dirname(file), exist_ok=True)
        return file
    local = os.path.join(tempfile.mkdtemp(), os.path.basename(file))
    if fileio.exists(file):
        fileio.copy(file, local)
    return local
