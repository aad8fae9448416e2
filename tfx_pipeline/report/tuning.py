"""The trials of a Tuner, from its trials.json."""

from __future__ import annotations

import dataclasses
import json
import statistics
from typing import Any

from tfx_pipeline.report import file_names
from tfx_pipeline.report.run_facts import RunFacts
from tfx_pipeline.storage import files
from tfx_pipeline.storage.layout import join


@dataclasses.dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
      value: the metric of the split eval.
      mean: the mean with other rows held out as well; None if the trial was not compared.
      values: in the order of `Trials.names`.
    """

    number: int
    state: str
    value: float | None
    mean: float | None
    evaluations: int
    seconds: float | None
    values: list[Any]
    reason: str | None
    is_best: bool


@dataclasses.dataclass(frozen=True)
class Trials:
    """All trials of a search, the chosen one first.

    Attributes:
      metric: what decided.
      names: the parameters that were searched.
      configured: the first trial, with the values of the configuration; None if it did not end.
    """

    metric: str
    names: list[str]
    trials: list[Trial]
    configured: Trial | None

    @property
    def best(self) -> Trial:
        """The trial whose values the Trainer was given."""
        return next(trial for trial in self.trials if trial.is_best)


def read(facts: RunFacts) -> Trials | None:
    """The trials of a run; None if it has no Tuner of this library."""
    artifact = facts.artifact("TunerResults")
    return _trials(artifact.document(file_names.TRIALS)) if artifact else None


def of_uri(uri: str) -> Trials | None:
    """The trials in the folder of an artifact; None if there are none."""
    try:
        return _trials(json.loads(files.read(join(uri, file_names.TRIALS))))
    except (OSError, ValueError):
        return None


def _trials(found: dict[str, Any]) -> Trials | None:
    if not found:
        return None
    sign = -1 if found["higher_is_better"] else 1
    names = list(found["space"])
    most = max(len(trial.get("held_out", [])) for trial in found["trials"])
    trials = [
        Trial(
            number=trial["number"],
            state=trial["state"],
            value=trial["value"],
            mean=_mean(trial, most),
            evaluations=trial["evaluations"],
            seconds=trial["seconds"],
            values=[trial["values"].get(name) for name in names],
            reason=trial["reason"],
            is_best=trial["number"] == found["best"],
        )
        for trial in found["trials"]
    ]
    first = trials[0]
    trials.sort(
        key=lambda t: (
            not t.is_best,
            t.state != "complete",
            t.value is None,
            sign * (t.value or 0),
        )
    )
    configured = first if first.state == "complete" else None
    return Trials(found["metric"], names, trials, configured)


def _mean(trial: dict[str, Any], parts: int) -> float | None:
    """None also for a trial with fewer parts than others: their means cannot be compared."""
    values = trial.get("held_out", [])
    if not values or len(values) < parts or None in values:
        return None
    return statistics.fmean([trial["value"], *values])
