"""The type of each column, as a person thinks of it, and the facts its treatment depends on."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

from tfx_pipeline.config import image_format
from tfx_pipeline.config.default_treatments import ColumnFacts
from tfx_pipeline.config.treatment import INTEGER, NUMBER, TEXT
from tfx_pipeline.profiling import dates, image_folders, notation
from tfx_pipeline.profiling.choice import Choice, counted
from tfx_pipeline.profiling.column_values import NumberStyle, Values
from tfx_pipeline.profiling.notation import Notation

Type = Literal["empty", "text", "integer", "number", "boolean", "datetime", "list", "image"]

HELD = {"integer": INTEGER, "boolean": INTEGER, "number": NUMBER}
"""How the examples hold each type; text where it is not named."""

_BOOLEANS = ({"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"})
_LEADING_ZERO = r"^0[0-9]+$"
_LOOKED_AT = 2000
_EXAMPLES = 20
_ODD_SHARE = 0.1
_OPENED = 20


@dataclasses.dataclass(frozen=True)
class ColumnProfile:
    """What a column is.

    Attributes:
      values: its values.
      type: its type; `empty` if there is no value.
      reason: why, in a few words.
      missing: for each different value, whether it stands for none.
      numbers: for each different value, the number or NaN; None for texts.
      dates: how dates are written; None for other types.
      declared: whether a run finds the type only if `columns:` names it.
      warnings: what a person should look at.
    """

    values: Values
    type: Type
    reason: str
    missing: np.ndarray
    numbers: np.ndarray | None = None
    dates: dates.Dates | None = None
    declared: bool = False
    warnings: tuple[Choice, ...] = ()

    @property
    def name(self) -> str:
        """The column's name."""
        return self.values.name

    @property
    def held(self) -> str:
        """How the examples hold it: BYTES, INT or FLOAT."""
        return HELD.get(self.type, TEXT)

    @property
    def present(self) -> int:
        """The number of rows with a value."""
        return self.values.rows - self.values.count(self.missing)

    @property
    def distinct(self) -> int:
        """The number of different values."""
        return int((~self.missing).sum())

    @property
    def missing_rows(self) -> np.ndarray:
        """For each row, whether it has no value."""
        return self.missing[self.values.codes]

    def facts(self) -> ColumnFacts:
        """What the decision about its treatment depends on."""
        known = ColumnFacts(
            self.name,
            self.held,
            self.values.rows,
            self.present,
            declared=self.type if self.declared else "",
        )
        if not self.present:
            return known
        if self.type == "boolean":
            return dataclasses.replace(known, low=0.0, high=float(self.distinct > 1))
        if self.numbers is not None:
            numbers = self.numbers[self.values.codes]
            numbers = numbers[np.isfinite(numbers)]
            low, *deciles, high = map(float, np.quantile(numbers, [0, 0.1, 0.5, 0.9, 1]))
            shape = (deciles[0], deciles[1], deciles[2])
            return dataclasses.replace(known, low=low, high=high, deciles=shape)
        present = np.flatnonzero(~self.missing)
        lengths = np.array([len(t.encode()) for t in self.values.of(~self.missing, _LOOKED_AT)])
        return dataclasses.replace(
            known,
            distinct=len(present),
            mean_length=float(lengths.mean()),
            examples=tuple(self.values.of(~self.missing, _EXAMPLES)),
        )


def profile(values: Values, found: Notation, where: str, first_line: int) -> ColumnProfile:
    """Finds the type of a column.

    Args:
      values: its values.
      found: how the table writes numbers and missing values.
      where: the file, for messages.
      first_line: the line of the first row.
    """
    missing = values.is_in(("", *found.missing))
    if missing.all():
        return ColumnProfile(values, "empty", "no row has a value", missing)
    texts = values.of(~missing, _LOOKED_AT)
    if len(texts) <= 2 and any({t.lower() for t in texts} <= pair for pair in _BOOLEANS):
        shown = " and ".join(texts)
        return ColumnProfile(values, "boolean", f"only {shown}", missing, declared=True)
    if values.count(values.matching(_LEADING_ZERO)):
        example = values.of(values.matching(_LEADING_ZERO), 1)[0]
        reason = f"a code: {example} would lose its zero as a number"
        numeric = not (~values.matching(r"^[0-9]+$") & ~missing).any()
        return ColumnProfile(values, "text", reason, missing, declared=numeric)
    moments = dates.detect(values.name, texts)
    if moments is not None:
        return _of_dates(values, missing, moments)
    style = found.numbers
    if values.matching(style.pattern)[~missing].all():
        return _of_numbers(values, missing, style)
    if values.all_match(missing, _is_list, _LOOKED_AT):
        return ColumnProfile(values, "list", "JSON lists", missing, declared=True)
    if _are_images(texts, where):
        return ColumnProfile(values, "image", "paths of images", missing, declared=True)
    odd = _odd_values(values, missing, style, where, first_line)
    reason = f"{counted(int((~missing).sum()), 'different text')}"
    return ColumnProfile(values, "text", reason, missing, warnings=odd)


def of_type(values: Values, found: Notation, given: str) -> ColumnProfile:
    """A column of a file whose format tells the type.

    Args:
      values: its values, as texts.
      found: how the table writes missing values.
      given: the type.
    """
    missing = values.is_in(("", *found.missing) if given == "text" else ("",))
    if missing.all():
        return ColumnProfile(values, "empty", "no row has a value", missing)
    if given in ("integer", "number"):
        numeric = _of_numbers(values, missing, NumberStyle())
        return numeric if given == "integer" else dataclasses.replace(numeric, type="number")
    if given == "boolean":
        return ColumnProfile(values, "boolean", "true and false", missing, declared=True)
    if given in ("datetime", "text"):
        moments = dates.detect(values.name, values.of(~missing, _LOOKED_AT))
        if moments is not None:
            return _of_dates(values, missing, moments)
    if given == "image":
        return ColumnProfile(values, "image", "images", missing, declared=True)
    if given == image_folders.FOLDER_NAME:
        return ColumnProfile(values, "text", "names of folders", missing, declared=True)
    if given == "list":
        return ColumnProfile(values, "list", "lists", missing, declared=True)
    return ColumnProfile(
        values, "text", f"{counted(int((~missing).sum()), 'different text')}", missing
    )


def _are_images(paths: Sequence[str], table: str) -> bool:
    """Whether texts name JPEG and PNG files that exist, from the table's folder."""
    if not all(path.lower().endswith(image_format.ENDINGS) for path in paths):
        return False
    folder = pathlib.Path(table).parent
    return any((folder / path).is_file() for path in paths[:_OPENED])


def _of_dates(values: Values, missing: np.ndarray, moments: dates.Dates) -> ColumnProfile:
    warnings = []
    if moments.ambiguous:
        reason = f"{moments.ambiguous} fits all values as well; correct it if that is meant"
        warnings.append(Choice(values.name, f"format {moments.format}", reason, level="warning"))
    reason = f"dates as {moments.shown}"
    return ColumnProfile(
        values,
        "datetime",
        reason,
        missing,
        dates=moments,
        declared=True,
        warnings=tuple(warnings),
    )


def _of_numbers(values: Values, missing: np.ndarray, style: NumberStyle) -> ColumnProfile:
    integers = values.are_integers(style, missing)
    if not integers and values.matching(r"^[+-]?[0-9]{19,}$")[~missing].all():
        return ColumnProfile(values, "text", "whole numbers of more than 64 bits", missing)
    numbers = values.numbers(style, missing)
    what = "whole numbers" if integers else "numbers"
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    warnings = []
    suspect = notation.suspicious(numbers, values.counts)
    if suspect is not None:
        rows = values.count(numbers == suspect)
        reason = f"{counted(rows, 'row')}; if it means no value, add it to data.missing"
        warnings.append(Choice(values.name, f"{suspect:g} is kept", reason, level="warning"))
    return ColumnProfile(
        values,
        "integer" if integers else "number",
        f"{what} from {low:.6g} to {high:.6g}",
        missing,
        numbers=numbers,
        warnings=tuple(warnings),
    )


def _is_list(text: str) -> bool:
    if not (text.startswith("[") and text.endswith("]")):
        return False
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False


def _odd_values(
    values: Values, missing: np.ndarray, style: NumberStyle, where: str, first_line: int
) -> tuple[Choice, ...]:
    """What keeps a column from being one of numbers, if most of it is."""
    odd = ~missing & ~values.matching(style.pattern)
    rows = values.count(odd)
    present = values.rows - values.count(missing)
    if rows > _ODD_SHARE * present:
        return ()
    text = values.of(odd, 1)[0]
    line = values.row_of(text) + first_line
    reason = (
        f"{counted(rows, 'value')} of {present:,} {'is' if rows == 1 else 'are'} no number, "
        f"{text!r} in {where}, line {line}; correct it, or add it to data.missing and declare "
        "the column a number"
    )
    return (Choice(values.name, "text", reason, level="warning"),)


def words(name: str) -> list[str]:
    """The words of a name, in lower case: `CustomerID`, `customer_id` are customer and id."""
    parts = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return re.findall(r"[^\W_]+", parts.lower())
