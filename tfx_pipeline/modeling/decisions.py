"""What the configuration leaves out, decided once from the training split.

Transform decides and writes it beside its graph. The Trainer reads it there, so that all
nodes of a run use the same classes and treatments. A request needs neither: they are
inside the exported model.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfx_pipeline.config import datetime_format, default_treatments, label_classes
from tfx_pipeline.config.default_treatments import ColumnFacts, Decision
from tfx_pipeline.config.features import Feature
from tfx_pipeline.config.label import Label
from tfx_pipeline.config.label_classes import Classes, Value
from tfx_pipeline.config.treatment import Auto
from tfx_pipeline.errors import DataRefused, Finding, first_of, shown_name
from tfx_pipeline.modeling import graph_names
from tfx_pipeline.modeling.feature_table import parse_section

_MOST_SHOWN = 6


@dataclasses.dataclass(frozen=True)
class Decisions:
    """What was decided.

    Attributes:
      sections: sections of the configuration, complete, as plain values.
      classes: the label's classes, and why.
      treatments: the decisions about columns whose treatment was left out.
    """

    sections: dict[str, Any]
    classes: Classes
    treatments: dict[str, Decision]

    @property
    def note(self) -> str:
        """How many columns are treated in which way, and which are left out and why."""
        counts = collections.Counter(
            decision.settings["transform"]
            for decision in self.treatments.values()
            if decision.settings
        )
        parts = [f"{count} {transform}" for transform, count in counts.most_common()]
        out = [
            f"{shown_name(name)} ({decision.reason})"
            for name, decision in self.treatments.items()
            if not decision.settings
        ]
        left_out = f"left out: {first_of(out, _MOST_SHOWN)}" if out else ""
        decided = f"treatments decided: {', '.join(parts)}" if parts else ""
        return "; ".join(filter(None, [decided, left_out]))


def decide(
    custom_config: Mapping[str, Any],
    counts: Mapping[Value, int],
    facts: Mapping[str, ColumnFacts],
) -> Decisions:
    """Completes the sections `label` and `features`.

    Args:
      custom_config: the sections `label`, `features` and `columns` as configured, and in
        `no_features` columns that the data has for another purpose.
      counts: the rows of each value of the label in the training split.
      facts: what is known about each column that a request can have.

    Raises:
      DataRefused: no column is left that the model could read, or dates have another format.
    """
    label = parse_section(Label, custom_config["label"])
    classes = label_classes.find(counts, label.task, label.classes, label.positive)
    complete = label.model_copy(update={"classes": classes.names or None, "positive": None})
    sections = parse_section(dict[str, Feature], custom_config["features"])
    treatments: dict[str, Decision] = {}
    features: dict[str, Any] = {}
    no_features = (label.name, label.weight, *custom_config.get("no_features", ()))
    for name in sections or [n for n in facts if n not in no_features]:
        section = sections.get(name, Auto())
        settings = section.model_dump(mode="json")
        if isinstance(section, Auto) and name in facts:
            treatments[name] = default_treatments.decide(facts[name], named=name in sections)
            settings = treatments[name].settings
        if settings is not None:
            features[name] = settings | ({"indicator": True} if section.indicator else {})
    if not features:
        raise DataRefused(
            "there is no column that a model could read. Name the columns in features",
            [Finding(name, "has values to learn from", d.reason) for name, d in treatments.items()],
        )
    _refuse_other_formats(features, facts, custom_config.get("columns", {}))
    plain = {"label": complete.model_dump(mode="json"), "features": features}
    return Decisions(plain, classes, treatments)


def _refuse_other_formats(
    features: Mapping[str, Any], facts: Mapping[str, ColumnFacts], columns: Mapping[str, Any]
) -> None:
    """Refuses dates that are written in another way than the configuration says.

    A text that is no date is missing, so a wrong format would give a model without the column.
    """
    wrong = []
    for name, settings in features.items():
        examples = facts[name].examples if name in facts else ()
        text_format = (columns.get(name) or {}).get("format") or datetime_format.ISO
        patterns = {text_format, datetime_format.ISO}
        if settings["transform"] != "datetime" or not examples:
            continue
        if not any(datetime_format.pattern(p).matches(text) for p in patterns for text in examples):
            rule = f"is a date of the form {text_format or 'ISO 8601'}"
            wrong.append(Finding(name, rule, f"for example {examples[0]!r}"))
    if wrong:
        names = ", ".join(shown_name(finding.subject) for finding in wrong)
        remedy = "Give its form: columns: {COLUMN: {type: datetime, format: …}}"
        raise DataRefused(f"the most frequent values of {names} are no dates. {remedy}", wrong)


def write(graph: str, sections: Mapping[str, Any]) -> None:
    """Writes the sections beside a transform graph.

    Args:
      graph: the folder of the transform graph.
      sections: `Decisions.sections`.
    """
    with tf.io.gfile.GFile(os.path.join(graph, graph_names.DECISIONS), "w") as file:
        file.write(json.dumps(sections, ensure_ascii=False, indent=1, sort_keys=True))


def read(graph: str) -> dict[str, Any]:
    """The sections that were written beside a transform graph; empty if there are none."""
    path = os.path.join(graph, graph_names.DECISIONS)
    if not tf.io.gfile.exists(path):
        return {}
    with tf.io.gfile.GFile(path) as file:
        return json.loads(file.read())
