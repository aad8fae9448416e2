"""What Transform learned: vocabularies, means, deviations and bins; each column's treatment."""

from __future__ import annotations

import dataclasses
from typing import Any

from tfx_pipeline.modeling import graph_names
from tfx_pipeline.report import file_names, settings
from tfx_pipeline.report.run_facts import Artifact, RunFacts

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
    """A vocabulary of the user's own preprocessing.

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
    treatments = tuple(_treatment(artifact, name, t) for name, t in decided.items())
    document = artifact.document(file_names.LEARNED)
    numbers = tuple(
        _numbers(column, part, found)
        for column, parts in document.get("columns", {}).items()
        for part, found in parts.items()
    )
    of_columns = {graph_names.of_vocabulary(column) for column in decided}
    vocabularies = tuple(
        _vocabulary(name, found["size"], found["values"])
        for name, found in document.get("vocabularies", {}).items()
        if name not in of_columns
    )
    read = Learned(treatments, numbers, vocabularies)
    return read if treatments or numbers or vocabularies else None


def _vocabulary(name: str, size: int, values: list[str]) -> Vocabulary:
    shown = tuple(values[:_SHOWN])
    return Vocabulary(name, size, shown, size - len(shown))


def _treatment(artifact: Artifact, column: str, treatment: dict[str, Any]) -> Treatment:
    content = artifact.file("transform_fn", "assets", graph_names.of_vocabulary(column))
    values = _lines(content)
    return Treatment(
        column,
        str(treatment.get("transform", "")),
        _text(treatment),
        len(values) if content is not None else None,
        tuple(values[:_SHOWN]),
        max(0, len(values) - _SHOWN),
    )


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


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode("utf-8", "replace").splitlines()


def _text(treatment: dict[str, Any]) -> str:
    set_ones = {k: v for k, v in treatment.items() if k != "transform" and v not in (None, False)}
    texts = {
        _WORDS.get(k, k.replace("_", " ")): "yes" if v is True else v for k, v in set_ones.items()
    }
    return ", ".join(f"{name}: {value}" for name, value in texts.items())
