"""The trials of one search: Optuna's study, in a file from which a killed search continues."""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState
from tfx.dsl.io import fileio

from tfx_pipeline.config.tuning import Tuning, Value
from tfx_pipeline.storage.layout import is_remote

_REASON, _SECONDS, _HELD_OUT = "reason", "seconds", "held_out"
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


class Chosen(NamedTuple):
    """The result of a search.

    Attributes:
      trial: whose values are used.
      mean: of its metrics with different rows held out; None if the split eval alone decided.
    """

    trial: FrozenTrial
    mean: float | None


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
        self._sign = -1 if higher_is_better else 1
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
            self._copy()

    def _copy(self) -> None:
        if self._local != self._file:
            fileio.copy(self._local, self._file, overwrite=True)

    @property
    def records(self) -> list[dict[str, Any]]:
        """All trials that ended, in their order, as plain data; see `results`."""
        trials = self._study.get_trials(deepcopy=False)
        ended = [t for t in trials if t.state in _NAMES and not _is_interrupted(t)]
        return [{**_record(t), "held_out": [*self.held_out(t.number).values()]} for t in ended]

    @property
    def best(self) -> FrozenTrial | None:
        """The trial that trained to its end and has the best metric of the split eval."""
        complete = self._complete()
        return complete[0] if complete else None

    def candidates(self, count: int) -> list[FrozenTrial]:
        """The first trial of all, if it is complete, and the best ones besides it."""
        complete = self._complete()
        first = [trial for trial in complete if trial.number == 0]
        return [*first, *[trial for trial in complete if trial.number][:count]]

    def _complete(self) -> list[FrozenTrial]:
        """The trials that trained to their end, the best first."""
        with self._lock:
            trials = self._study.get_trials(False, states=[TrialState.COMPLETE])
        return sorted(trials, key=lambda trial: (self._sign * (trial.value or 0.0), trial.number))

    def set_held_out(self, number: int, division: int, value: float | None) -> None:
        """Keeps the metric of a trial with other rows held out; None if that training failed.

        Args:
          number: of the trial.
          division: which rows, from 1.
          value: their metric.
        """
        with self._lock:
            found = {**self._held_out.get(str(number), {}), str(division): value}
            self._study.set_user_attr(_HELD_OUT, {**self._held_out, str(number): found})
            self._copy()

    def held_out(self, number: int) -> dict[int, float | None]:
        """What `set_held_out` was given for a trial, by division."""
        with self._lock:
            found = self._held_out.get(str(number), {})
        return {int(division): value for division, value in sorted(found.items())}

    @property
    def _held_out(self) -> dict[str, dict[str, float | None]]:
        return dict(self._study.user_attrs.get(_HELD_OUT, {}))

    def chosen(self, candidates: int) -> Chosen | None:
        """The trial whose values are used; None if none is complete.

        Trials are compared by the split eval and all divisions with which every candidate was
        trained. A candidate of which a training failed is left out. Trial 1 stays unless others
        are better beyond chance; of those, the one with the best mean is chosen. Without such a
        division, or with one candidate, the metric of the split eval decides.
        """
        if self.best is None:
            return None
        held_out = {trial.number: self.held_out(trial.number) for trial in self._complete()}
        found = [t for t in self.candidates(candidates) if None not in held_out[t.number].values()]
        shared = set.intersection(*[set(held_out[t.number]) for t in found]) if found else set()
        if len(found) < 2 or not shared:
            return Chosen(self.best, None)
        metrics = {
            t.number: [v for v in (t.value, *map(held_out[t.number].get, shared)) if v is not None]
            for t in found
        }
        means = {number: statistics.fmean(values) for number, values in metrics.items()}
        first = found[0]
        if first.number == 0:
            others = [t for t in found[1:] if self._is_better(metrics[t.number], metrics[0])]
            found = others or [first]
        trial = min(found, key=lambda t: (self._sign * means[t.number], t.number))
        return Chosen(trial, means[trial.number])

    def _is_better(self, metrics: list[float], others: list[float]) -> bool:
        """Whether the mean of the differences is more than two standard errors on the good side."""
        gains = [self._sign * (b - a) for a, b in zip(metrics, others, strict=True)]
        error = statistics.stdev(gains) / len(gains) ** 0.5
        return statistics.fmean(gains) > 2 * error


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
