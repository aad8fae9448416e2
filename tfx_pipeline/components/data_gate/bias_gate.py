"""Runs the gate `bias` on the examples of a run and on those of the last blessed model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfx import types

from tfx_pipeline.components.common import label_counts
from tfx_pipeline.components.data_gate import bias, group_counts
from tfx_pipeline.components.data_gate.bias import Labels
from tfx_pipeline.components.data_gate.gates import BIAS, LAST_BLESSED, TRAIN, Checked
from tfx_pipeline.components.data_gate.group_counts import Groups, NoGroups
from tfx_pipeline.components.data_gate.label_values import Rule
from tfx_pipeline.config import label_classes, metric_catalog
from tfx_pipeline.config.label_classes import quoted
from tfx_pipeline.errors import DataRefused, Finding, first_of, shown_name

_GIVEN = "limits of gates.bias"
_OF_GROUPS = (bias.SHARE, bias.RATE, bias.MEAN)
_MOST_IN_NOTE = 6


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What the gate has found.

    Attributes:
      checked: the checks.
      groups: the rows and labels of each group, for the file.
      note: the groups in one line; empty without any.
    """

    checked: tuple[Checked, ...] = ()
    groups: tuple[Mapping[str, Any], ...] = ()
    note: str = ""


def run(
    section: Mapping[str, Any],
    examples: Sequence[types.Artifact],
    baseline: Sequence[types.Artifact],
    rule: Rule,
) -> Outcome:
    """Counts the groups of the training split, and checks them.

    Args:
      section: `gates.bias`.
      examples: raw examples of this run.
      baseline: those of the last blessed model's run; empty if there is none.
      rule: which values the label may have.

    Raises:
      DataRefused: a column has no groups.
    """
    labels = _labels(examples, rule)
    checked: list[Checked] = []
    groups: list[Mapping[str, Any]] = []
    notes: list[str] = []
    for column in section["groups"]:
        try:
            new = group_counts.count(examples, TRAIN, column, rule.label, rule.is_number)
        except NoGroups as error:
            finding = Finding(column, "bias: groups", str(error))
            message = f"gates.bias.groups: {shown_name(column)}: {error}"
            raise DataRefused(message, [finding]) from error
        old = _earlier(baseline, column, rule)
        for check in bias.checks(column, new, old, labels, section):
            reference = LAST_BLESSED if check.check in _OF_GROUPS else _GIVEN
            checked.append(Checked(BIAS, TRAIN, reference, section["on_bias"], check))
        groups += _listed(column, new, labels)
        notes.append(_note(column, new, labels))
    return Outcome(tuple(checked), tuple(groups), "; ".join(notes))


def _labels(examples: Sequence[types.Artifact], rule: Rule) -> Labels:
    if rule.is_number:
        return Labels()
    counts = label_counts.of_training(label_counts.count(examples, rule.label))
    found = label_classes.find(counts, rule.task, rule.configured or None, rule.positive)
    return Labels.of(found.names, rule.task == metric_catalog.BINARY)


def _earlier(baseline: Sequence[types.Artifact], column: str, rule: Rule) -> Groups | None:
    """The groups of earlier data; None if it had none."""
    try:
        return group_counts.count(baseline, TRAIN, column, rule.label, rule.is_number)
    except NoGroups:
        return None


def _listed(column: str, groups: Groups, labels: Labels) -> Iterator[Mapping[str, Any]]:
    """What the file says about each group, the largest first."""
    total = sum(group.rows for group in groups.values())
    for name, group in sorted(groups.items(), key=lambda item: (-item[1].rows, item[0])):
        found: dict[str, Any] = {"feature": column, "group": name, "rows": group.rows}
        found["share"] = group.rows / total
        if not labels.ids:
            found |= {"labels": group.numbers, "mean": group.mean if group.numbers else None}
        else:
            counts = labels.counts(group)
            known = sum(counts.values())
            rates = {label: counts[label] / known for label in labels.classes} if known else {}
            found |= {"labels": known, "rates": rates}
        yield found


def _note(column: str, groups: Groups, labels: Labels) -> str:
    """`groups of sex: "Male" 67 % (rate 30.6 %), "Female" 33 % (rate 10.9 %)`."""
    parts = []
    for one in _listed(column, groups, labels):
        text = f"{quoted(one['group'])} {100 * one['share']:.3g} %"
        if one.get("mean") is not None:
            text += f" (mean {one['mean']:.4g})"
        elif len(labels.classes) == 1 and one["rates"]:
            text += f" ({quoted(labels.classes[0])} {100 * one['rates'][labels.classes[0]]:.3g} %)"
        parts.append(text)
    return f"groups of {shown_name(column)}: {first_of(parts, _MOST_IN_NOTE)}"
