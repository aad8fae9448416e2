"""Finds how a text file is written: delimiter, quotes, lines before the header, header."""

from __future__ import annotations

import collections
import csv
import dataclasses
import io
import itertools
import re
from collections.abc import Sequence
from typing import Any

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.profiling.choice import Choice

_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar", " ": "a blank"}
_ROWS = 500
_FEWEST_PLAUSIBLE = 0.5
_NUMBER = re.compile(r"^[+-]?(\d+([.,]\d+)*[.,]?|[.,]\d+)([eE][+-]?\d+)?%?$")
_TIME = re.compile(
    r"^\d{1,4}([-/.年]\d{1,2}){2}日?([T ]\d{1,2}:\d{2}.*)?$|^\d{1,2}:\d{2}(:\d{2})?$"
)
_WORD = re.compile(r"^[^;|\t\"]{1,40}$")


@dataclasses.dataclass(frozen=True)
class TextLayout:
    """How a text file is written.

    Attributes:
      delimiter, quote, skip_rows, header, trim: as in the section `data`.
      names: the columns' names.
      choices: what was found, and why.
    """

    delimiter: str
    quote: str
    skip_rows: int
    header: tuple[str, ...]
    trim: bool
    names: tuple[str, ...]
    choices: tuple[Choice, ...]


def detect(text: str, file: str, preferred: str = "") -> TextLayout:
    """Finds the layout of a text.

    Args:
      text: the file's text, or its first lines.
      file: its name, for messages.
      preferred: the delimiter that the file's name stands for.

    Raises:
      ConfigError: there are no rows, or columns have no name or the same name.
    """
    if not text.strip():
        raise _wrong(f"{file} is empty", "Name a file with a header and rows")
    quote = _quote(text)
    delimiter, rows = _delimiter(text, quote, preferred)
    width = _usual_width(rows)
    start = next(i for i, row in enumerate(rows) if len(row) == width)
    lines_before = _lines_before(text, delimiter, quote, start)
    rows = [row for row in rows[start:] if row]
    trim = _needs_trim(rows)
    if trim:
        rows = [[cell.strip() for cell in row] for row in rows]
    has_header, why = _header(rows)
    choices = [_about_delimiter(delimiter, rows, width)]
    if quote != '"':
        shown = repr(quote) if quote else "none"
        choices.append(Choice("data.quote", shown, "the values are written in it"))
    if lines_before:
        line = text.splitlines()[0]
        reason = f"the table begins in line {lines_before + 1}; line 1 is {line[:40]!r}"
        choices.append(Choice("data.skip_rows", str(lines_before), reason))
    if trim:
        choices.append(Choice("data.trim", "true", "blanks stand around values or names"))
    if has_header:
        names, header = _named(rows[0], file, lines_before + 1)
        choices.append(Choice("header", f"line {lines_before + 1}", why))
        if header:
            lines_before += 1
            reason = "the first column has no name; it is usually a number for each row"
            choices.append(Choice("data.header", f"{names[0]!r}, …", reason))
        if len(rows) < 2:
            raise _wrong(f"{file} has a header, and no rows", "Add rows")
    else:
        names = header = tuple(f"column_{i + 1}" for i in range(width))
        decision = f"{names[0]} to {names[-1]}"
        choices.append(Choice("data.header", decision, why, level="warning"))
    return TextLayout(delimiter, quote, lines_before, header, trim, names, tuple(choices))


def reader(text: str, layout: TextLayout) -> Any:
    """Python's reader for a text of the layout."""
    stream = io.StringIO(text, newline="")
    return csv.reader(stream, delimiter=layout.delimiter, quotechar=layout.quote or '"')


def names(text: str, file: str, layout: TextLayout) -> tuple[str, ...]:
    """The columns' names of another file of the same layout.

    Raises:
      ConfigError: columns have no name or the same name.
    """
    lines = text.splitlines(keepends=True)[layout.skip_rows :]
    row: list[str] = next((row for row in reader("".join(lines), layout) if row), [])
    cells = [cell.strip() for cell in row] if layout.trim else row
    return _named(cells, file, layout.skip_rows + 1)[0]


def _wrong(message: str, remedy: str) -> ConfigError:
    return ConfigError(Problem("", message, remedy))


def _quote(text: str) -> str:
    """The character around values; a double quote unless single ones are used instead."""
    begins = {
        q: len(re.findall(rf"(^|[,;|\t]){q}[^{q}\n]*{q}($|[,;|\t\r])", text, re.M)) for q in "'\""
    }
    return "'" if begins["'"] > 2 and not begins['"'] else '"'


def _parsed(text: str, delimiter: str, quote: str, rows: int = _ROWS) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
    found = list(itertools.islice(reader, rows + 1))
    cut = len(found) <= rows and not text.endswith(("\n", "\r")) and len(found) > 2
    return found[: min(rows, len(found) - cut)]


def _delimiter(text: str, quote: str, preferred: str) -> tuple[str, list[list[str]]]:
    """The delimiter with which most rows have equally many values that look like values."""
    best: tuple[str, float, list[list[str]]] = ("", -1.0, [[""]])
    for delimiter in _DELIMITERS:
        try:
            rows = _parsed(text, delimiter, quote)
        except csv.Error:
            continue
        score = _score(rows) + (0.2 if delimiter == preferred else 0.0)
        if delimiter == " ":
            score *= 0.6
        if score > best[1]:
            best = (delimiter, score, rows)
    if best[1] <= 0:  # one column: no line has any of them
        return preferred or ",", _parsed(text, preferred or ",", quote)
    return best[0], best[2]


def _score(rows: Sequence[Sequence[str]]) -> float:
    full = [row for row in rows if row]
    width = _usual_width(rows)
    if width < 2:
        return 0.0
    usual = [row for row in full if len(row) == width]
    cells = [cell.strip() for row in usual[:100] for cell in row]
    values = sum(_plausible(cell) for cell in cells) / len(cells)
    share = len(usual) / len(full)
    return share * share * values * (1 + min(width, 50) / 1000)


def _plausible(cell: str) -> float:
    if not cell or _NUMBER.match(cell) or _TIME.match(cell):
        return 1.0
    return 0.9 if _WORD.match(cell) else _FEWEST_PLAUSIBLE


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    counts = collections.Counter(len(row) for row in rows if row)
    return max(counts, key=lambda width: (counts[width], width), default=1)


def _lines_before(text: str, delimiter: str, quote: str, start: int) -> int:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
    for _ in range(start):
        next(reader)
    return reader.line_num


def _needs_trim(rows: Sequence[Sequence[str]]) -> bool:
    """Whether blanks belong to the way the file is written, not to its values."""
    cells = [cell for row in rows[:200] for cell in row if cell]
    padded = sum(cell != cell.strip() for cell in cells)
    return padded * 5 > len(cells) or any(cell != cell.strip() for cell in rows[0] if cell.strip())


def _is_value(cell: str) -> bool:
    return bool(_NUMBER.match(cell.strip()) or _TIME.match(cell.strip()))


def _header(rows: Sequence[Sequence[str]]) -> tuple[bool, str]:
    """Whether the first line has names, and why: each column votes."""
    first, rest = rows[0], rows[1:]
    if not rest:
        return True, "the only line"
    if _counts_up(first):
        return True, "the names are numbers that count up"
    columns = list(zip(*(row for row in rest if len(row) == len(first))))
    votes = [_vote(cell, column) for cell, column in zip(first, columns)]
    names, values = votes.count("name"), votes.count("value")
    if names > values:
        return True, f"{names} of its texts are unlike the values below"
    if values:
        return False, "the first line has values, not names"
    return True, "its texts do not appear below it"


def _counts_up(cells: Sequence[str]) -> bool:
    """Whether the names are 0, 1, 2, …, or have years or the like in their end."""
    numbers = [int(cell) for cell in cells if re.match(r"^\d{1,9}$", cell)]
    steps = [b - a for a, b in itertools.pairwise(numbers)]
    return len(numbers) >= 3 and len(numbers) * 2 > len(cells) and set(steps) == {1}


def _vote(cell: str, column: Sequence[str]) -> str:
    """`name` if a cell of the first line is unlike those below, `value` if it is like them."""
    present = [other.strip() for other in column if other.strip()]
    if not present or not cell.strip():
        return ""
    if _mostly_values(column):
        if not _is_value(cell):
            return "name"
        whole, fractions = re.match(r"^\d+$", cell), sum("." in other for other in present)
        return "name" if whole and fractions * 10 > 9 * len(present) else "value"
    if len(set(present)) * 2 > len(present):
        return ""
    return "value" if cell.strip() in present else "name"


def _mostly_values(column: Sequence[str]) -> bool:
    present = [cell for cell in column if cell.strip()]
    return bool(present) and sum(map(_is_value, present)) * 2 > len(present)


def _named(cells: Sequence[str], file: str, line: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns' names; again as `data.header` if the first one, an index, has none."""
    names = [cell.removeprefix("\ufeff") for cell in cells]
    unnamed = [index for index, name in enumerate(names) if not name.strip()]
    if unnamed == [0] and len(names) > 1:
        free = next(n for n in ("index", "row", "column_1") if n not in names)
        names[0] = free
    elif unnamed:
        where = ", ".join(str(index + 1) for index in unnamed[:5])
        message = f"{file}, line {line}: column {where} has no name"
        raise _wrong(message, "Write a name into the header")
    for name, count in collections.Counter(names).items():
        if count > 1:
            places = [str(i + 1) for i, other in enumerate(names) if other == name]
            message = f"{file}, line {line}: columns {' and '.join(places)} are both named {name!r}"
            raise _wrong(message, "Rename one of them in the header")
    return tuple(names), tuple(names) if unnamed else ()


def _about_delimiter(delimiter: str, rows: Sequence[Sequence[str]], width: int) -> Choice:
    share = sum(len(row) == width for row in rows) / len(rows)
    part = "all" if share == 1 else f"{share:.0%} of the"
    reason = f"with it {part} lines have {width} values"
    return Choice("data.delimiter", _DELIMITERS[delimiter], reason)
