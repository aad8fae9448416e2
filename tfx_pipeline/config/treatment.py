"""The base class of all treatments of a column: settings, and the check against the schema.

It imports no TensorFlow, so a configuration can be checked quickly. The methods that make
tensors are in the subclass `tfx_pipeline.modeling.feature.Feature`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import ClassVar, Literal

from tfx_pipeline.config.base import Section

TEXT, INTEGER, NUMBER = "BYTES", "INT", "FLOAT"
"""The types of features, as the schema names them."""

_SUGGESTIONS = {
    TEXT: "Use vocabulary, hash or text for text, datetime for dates, list for several values, "
    "image for images",
    INTEGER: "",
    NUMBER: "Use one of zscore, minmax, log, buckets for numbers",
}


@dataclasses.dataclass(frozen=True)
class SchemaColumn:
    """What the schema says about a column.

    Attributes:
      name: the column's name.
      type: `TEXT`, `INTEGER` or `NUMBER`.
      int_range: the lowest and the highest value of its int_domain; None if it has none.
    """

    name: str
    type: str
    int_range: tuple[int, int] | None = None


class Treatment(Section):
    """The settings of a treatment; each subclass adds its own as pydantic fields."""

    transform: str
    """The treatment: a name of this page, or the dotted path of your own class."""
    indicator: bool = False
    """Adds an input that is 1 where the value is missing and 0 elsewhere."""

    accepts: ClassVar[tuple[str, ...]] = (TEXT, INTEGER, NUMBER)
    """The types of columns that the treatment is for."""
    takes_lists: ClassVar[bool] = False
    """Whether the treatment is for columns with several values in a row."""

    def check(self, column: SchemaColumn) -> Iterator[tuple[str, str]]:
        """Why the treatment does not fit the column: pairs of a message and a remedy.

        Nothing if it fits. Called before a run, so it must not need TensorFlow.
        """
        if column.type not in self.accepts:
            message = f"transform {self.transform!r} does not fit a column of type {column.type}"
            yield message, _SUGGESTIONS.get(column.type, "")


class Auto(Treatment):
    """Decided from the schema and the statistics of the training split: `{}` is enough."""

    transform: Literal["auto"] = "auto"
    """Selects this treatment."""
