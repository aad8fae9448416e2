"""What Transform learned: its vocabularies, and the treatment of each column."""

from __future__ import annotations

import dataclasses
from typing import Any

from tfx_pipeline.modeling import graph_names
from tfx_pipeline.report import settings
from tfx_pipeline.report.run_facts import RunFacts

_SHOWN = 12


@dataclasses.dataclass(frozen=True)
class Learned:
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


def read(facts: RunFacts) -> list[Learned]:
    """One row for each treated column; empty if Transform did not say how it treats them."""
    artifact = facts.artifact("TransformGraph")
    if artifact is None:
        return []
    result = []
    for column, treatment in (settings.decided(facts) or {}).items():
        kind = str(treatment.get("transform", ""))
        content = artifact.file("transform_fn", "assets", graph_names.of_vocabulary(column))
        values = _lines(content)
        result.append(
            Learned(
                column,
                kind,
                _text(treatment),
                len(values) if content is not None else None,
                tuple(values[:_SHOWN]),
                max(0, len(values) - _SHOWN),
            )
        )
    return result


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode("utf-8", "replace").splitlines()


def _text(treatment: dict[str, Any]) -> str:
    set_ones = {k: v for k, v in treatment.items() if k != "transform" and v not in (None, False)}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in set_ones.items())
