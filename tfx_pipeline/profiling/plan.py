"""All decisions about a table together: what `init` prints and writes."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_pipeline.config import default_treatments
from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.profiling import (
    column_types,
    image_folders,
    label_choice,
    leakage,
    notation,
    relations,
)
from tfx_pipeline.profiling.choice import Choice
from tfx_pipeline.profiling.column_types import ColumnProfile
from tfx_pipeline.profiling.column_values import NumberStyle, Values
from tfx_pipeline.profiling.label_choice import LabelChoice
from tfx_pipeline.profiling.sample import Sample


@dataclasses.dataclass(frozen=True)
class FeatureChoice:
    """How a column is treated.

    Attributes:
      profile: the column.
      settings: its section in `features`; None if it is no feature.
      reason: why.
      kept: whether the column stays in the data although it is no feature.
    """

    profile: ColumnProfile
    settings: Mapping[str, Any] | None
    reason: str
    kept: bool = False


@dataclasses.dataclass(frozen=True)
class Plan:
    """What `init` decided.

    Attributes:
      sample: the rows that were looked at.
      label: the label.
      data: the keys of the section `data`, without `path`.
      columns: the section `columns`.
      features: the decision about each other column.
      split: the keys of `data.split`.
      periods: for each split, whether a row is in it, if a time decides; else empty.
      groups: the number of those that a row can belong to, if that decides; else None.
      evaluation: the section `evaluation`.
      choices: all decisions about the table, not those about features.
    """

    sample: Sample
    label: LabelChoice
    data: dict[str, Any]
    columns: dict[str, Any]
    features: tuple[FeatureChoice, ...]
    split: dict[str, Any]
    periods: tuple[np.ndarray, ...]
    groups: int | None
    evaluation: dict[str, Any]
    choices: tuple[Choice, ...]


def profiles(sample: Sample, label: str | None) -> tuple[list[ColumnProfile], notation.Notation]:
    """What each column of a table is."""
    trim = bool(sample.data.get("trim"))
    columns = [Values(name, sample.table[name], trim) for name in sample.table.column_names]
    texts = [v for v in columns if sample.types.get(v.name, "text") == "text"]
    found = notation.detect(texts, sample.data.get("delimiter", ","), label)
    if sample.types:  # numbers have no notation there, and a text stays one
        found = dataclasses.replace(found, numbers=NumberStyle(), choices=_about_missing(found))
        return [column_types.of_type(v, found, sample.types[v.name]) for v in columns], found
    read = [column_types.profile(v, found, sample.where, sample.first_line) for v in columns]
    return read, found


def _about_missing(found: notation.Notation) -> tuple[Choice, ...]:
    return tuple(choice for choice in found.choices if choice.subject == "data.missing")


def make(sample: Sample, label_name: str) -> Plan:
    """Decides everything about a table.

    Raises:
      ConfigError: there is no such label, it cannot be predicted, or no column can be a feature.
    """
    columns, found = profiles(sample, label_name)
    label = label_choice.decide(label_choice.find(columns, label_name, sample.where), sample.where)
    others = [profile for profile in columns if profile.name != label_name]
    # A path that has the class in it predicts the label, and is not what the model reads.
    leaks, near = leakage.find(label, [p for p in others if p.type != "image"])
    group, time = relations.group(columns, label), relations.time(columns, label)
    split, about_split = _split(sample, label, group, time)
    used = split.get("by") or split.get("time")
    periods = time.periods if time and "time" in split else ()
    chosen = _features(others, {leak.name: leak.reason for leak in leaks}, used, periods)
    chosen = [_sized(choice, sample) for choice in chosen]
    if not any(choice.settings is not None for choice in chosen):
        why = "; ".join(f"{c.profile.name}: {c.reason}" for c in chosen[:3]) or "it is the only one"
        message = f"{sample.where} has no column to predict {label_name!r} from ({why})"
        raise ConfigError(Problem("", message, "Name another table or label"))
    warnings = [warning for profile in columns for warning in profile.warnings]
    return Plan(
        sample=sample,
        label=label,
        data={**sample.data, **notation.keys(found)},
        columns=_declared([label.profile, *others], chosen, label_name),
        features=tuple(chosen),
        split=split,
        periods=periods,
        groups=next((p.distinct for p in columns if p.name == split.get("by")), None),
        evaluation=_evaluation(label),
        choices=(
            *sample.choices,
            *found.choices,
            *label.choices,
            *about_split,
            *relations.duplicates(columns, label),
            *near,
            *warnings,
        ),
    )


def _split(
    sample: Sample,
    label: LabelChoice,
    group: tuple[str, str] | None,
    time: relations.Time | None,
) -> tuple[dict[str, Any], list[Choice]]:
    """The keys of `data.split`."""
    shares = {"train": 6, "eval": 2, "test": 2}
    wanted: list[tuple[str, Any, str]] = []
    if group:
        wanted.append(("by", group[0], f"{group[1]}; no one is in two splits"))
    if time:
        wanted.append(("time", time.column, time.reason))
    if label.task != "regression" and (label.rarest < 0.1 or sample.total_rows < 2000):
        wanted.append(("stratify", True, "each class has its share in each split"))
    if not wanted:
        return shares, []
    key, value, reason = wanted[0]
    shown = str(value).lower() if isinstance(value, bool) else value
    choices = [Choice(f"data.split.{key}", shown, reason)]
    if len(wanted) > 1 and wanted[1][0] == "time":
        reason = f"{wanted[1][1]} is a time; only one can decide"
        choices.append(Choice("data.split.time", "not set", reason, level="warning"))
    return {**shares, key: value}, choices


def _features(
    others: Sequence[ColumnProfile],
    leaks: Mapping[str, str],
    splits_by: str | None,
    periods: tuple[np.ndarray, ...],
) -> list[FeatureChoice]:
    chosen = []
    for profile in others:
        if profile.name in leaks:
            is_used = profile.name == splits_by  # the split needs the column all the same
            chosen.append(FeatureChoice(profile, None, leaks[profile.name], kept=is_used))
        elif profile.name == splits_by and profile.type != "datetime":
            reason = "says to whom a row belongs; new ones have other values"
            chosen.append(FeatureChoice(profile, None, reason, kept=True))
        elif profile.present and periods and profile.missing_rows[periods[0]].all():
            reason = "no value in the early rows, which train the model"
            chosen.append(FeatureChoice(profile, None, reason))
        else:
            kept = profile.name == splits_by
            chosen.append(dataclasses.replace(_treatment(profile), kept=kept))
    return chosen


def _treatment(profile: ColumnProfile) -> FeatureChoice:
    decision = default_treatments.decide(profile.facts())
    reason = profile.reason if profile.declared and decision.settings else decision.reason
    return FeatureChoice(profile, decision.settings, reason)


def _sized(choice: FeatureChoice, sample: Sample) -> FeatureChoice:
    """A column of paths of images with the size that fits them; others as they are."""
    if choice.settings is None or choice.profile.type != "image":
        return choice
    folder = pathlib.Path(sample.where).parent
    paths = choice.profile.values.of(~choice.profile.missing, choice.profile.distinct)
    settings = image_folders.settings([folder / path for path in paths])
    return dataclasses.replace(choice, settings=settings, reason=image_folders.reason(settings))


def _declared(
    columns: Sequence[ColumnProfile], chosen: Sequence[FeatureChoice], label: str
) -> dict[str, Any]:
    """The section `columns`: types that a run would not find."""
    read = {c.profile.name for c in chosen if c.settings is not None or c.kept} | {label}
    found: dict[str, Any] = {}
    for profile in columns:
        if not profile.declared or profile.name not in read:
            continue
        form = profile.dates.format if profile.dates else None
        found[profile.name] = {"type": profile.type, "format": form} if form else profile.type
    return found


def _evaluation(label: LabelChoice) -> dict[str, Any]:
    """Metrics, and thresholds that a first model meets: it has no baseline."""
    if label.task == "binary":
        metrics = ["auc", "auc_precision_recall", "binary_accuracy", "binary_crossentropy"]
        threshold = {"auc": {"not_worse_than_baseline_by": 0.02}}
    elif label.task == "multiclass":
        metrics = ["accuracy", "crossentropy"]
        threshold = {"accuracy": {"not_worse_than_baseline_by": 0.03}}
    else:
        metrics = ["root_mean_squared_error", "mean_absolute_error", "r_squared"]
        threshold = {"r_squared": {"not_worse_than_baseline_by": 0.05}}
    return {"metrics": [*metrics, "example_count"], "thresholds": threshold}
