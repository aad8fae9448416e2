"""What Transform learned: vocabularies, means, deviations and bins; each column's treatment."""

from __future__ import annotations

import dataclasses
from typing import Any

from tfx_pipeline.modeling import graph_names
from tfx_pipeline.report import file_names, settings
from tfx_pipeline.report.run_facts import RunFacts

_SHOWN = 12
_WORDS = {
    "buckets": "bins",
    "indicator": "input for missing values",
    "min_frequency": "least occurrences",
    "oov_buckets": "buckets for other values",
    "top_k": "most values",
}
"""Settings in words, by their key. The others are shown as they are."""
_HALVES = 2
"""The parts whose boundary is the median."""


@dataclasses.dataclass(frozen=True)
class Treatment:
    """The treatment of one column.

    Attributes:
      settings: those that are set, as a text.
      size: the number of values in its vocabulary; None if it has none.
      values: the first of these.
      more: the number of the other ones.
    """

    column: str
    treatment: str
    settings: str
    size: int | None = None
    values: tuple[str, ...] = ()
    more: int = 0


@dataclasses.dataclass(frozen=True)
class Numbers:
    """Statistics of the training split that a treatment uses.

    Attributes:
      of: what was computed from the column's values; empty for these themselves.
      mode: the most frequent value; None if the treatment does not use it, as `median`.
      edges: the values between the bins.
    """

    column: str
    of: str
    mean: float
    std: float
    min: float
    max: float
    mode: float | None = None
    median: float | None = None
    edges: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """A vocabulary of Transform.

    Attributes:
      values: the first ones.
      more: the number of the other ones.
    """

    name: str
    size: int
    values: tuple[str, ...]
    more: int


@dataclasses.dataclass(frozen=True)
class Learned:
    """What Transform decided on and learned, by column; vocabularies of no column by name."""

    treatments: tuple[Treatment, ...]
    numbers: tuple[Numbers, ...]
    vocabularies: tuple[Vocabulary, ...] = ()


def read(facts: RunFacts) -> Learned | None:
    """What is in Transform's artifacts; None if it did not say how it treats the columns."""
    artifact = facts.artifact("TransformGraph")
    if artifact is None:
        return None
    decided = settings.decided(facts) or {}
    document = artifact.document(file_names.LEARNED)
    found_by_name = {
        name: _vocabulary(name, found["size"], found["values"])
        for name, found in document.get("vocabularies", {}).items()
    }
    treatments = tuple(
        _treatment(name, treatment, found_by_name.pop(graph_names.of_vocabulary(name), None))
        for name, treatment in decided.items()
    )
    numbers = tuple(
        _numbers(column, part, found)
        for column, parts in document.get("columns", {}).items()
        for part, found in parts.items()
    )
    vocabularies = tuple(found_by_name.values())  # those of no column
    read = Learned(treatments, numbers, vocabularies)
    return read if treatments or numbers or vocabularies else None


def _vocabulary(name: str, size: int, values: list[str]) -> Vocabulary:
    shown = tuple(values[:_SHOWN])
    return Vocabulary(name, size, shown, size - len(shown))


def _treatment(column: str, treatment: dict[str, Any], vocabulary: Vocabulary | None) -> Treatment:
    name, text = str(treatment.get("transform", "")), _text(treatment)
    if vocabulary is None:
        return Treatment(column, name, text)
    return Treatment(column, name, text, vocabulary.size, vocabulary.values, vocabulary.more)


def _numbers(column: str, part: str, found: dict[str, Any]) -> Numbers:
    boundaries = {int(parts): edges for parts, edges in found.get("boundaries", {}).items()}
    bins = max(boundaries, default=0)
    return Numbers(
        column,
        part.removeprefix(column).lstrip("/."),
        mean=found["mean"],
        std=found["std"],
        min=found["min"],
        max=found["max"],
        mode=found.get("mode"),
        median=boundaries[_HALVES][0] if _HALVES in boundaries else None,
        edges=tuple(boundaries[bins]) if bins > _HALVES else (),
    )


def _text(treatment: dict[str, Any]) -> str:
    set_ones = {k: v for k, v in treatment.items() if k != "transform" and v not in (None, False)}
    texts = {
        _WORDS.get(k, k.replace("_", " ")): "yes" if v is True else v for k, v in set_ones.items()
    }
    return ", ".join(f"{name}: {value}" for name, value in texts.items())
