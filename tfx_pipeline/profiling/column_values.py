"""The values of a column as texts, each different one once."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PLAIN_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_INTEGER = r"^[+-]?[0-9]+$"
_INT64 = 2**63


@dataclasses.dataclass(frozen=True)
class NumberStyle:
    """How numbers are written: the decimal sign, and the sign between groups of digits."""

    decimal: str = "."
    thousands: str = ""

    def plain(self, texts: pa.Array) -> pa.Array:
        """The texts as Python writes numbers."""
        if self.thousands:
            texts = pc.replace_substring(texts, self.thousands, "")
        return texts if self.decimal == "." else pc.replace_substring(texts, self.decimal, ".")

    @functools.cached_property
    def pattern(self) -> str:
        """A regular expression that numbers match."""
        point = re.escape(self.decimal)
        digits = "[0-9]+"
        if self.thousands:
            sign = re.escape(self.thousands)
            digits = f"([0-9]{{1,3}}({sign}[0-9]{{3}})+|[0-9]+)"
        return rf"^[+-]?({digits}({point}[0-9]*)?|{point}[0-9]+)([eE][+-]?[0-9]+)?$"


class Values:
    """The values of one column.

    Attributes:
      name: the column's name.
      texts: each different value once, without blanks around it if the table is trimmed.
      counts: how many rows have it.
      codes: for each row, the place of its value in `texts`.
    """

    def __init__(self, name: str, column: pa.ChunkedArray | pa.Array, trim: bool = False):
        # In one piece: unifying the dictionaries of many pieces takes far longer.
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if isinstance(whole, pa.ChunkedArray):  # of no piece, or of too many bytes for one
            whole = pa.concat_arrays(
                [
                    pa.array([], pa.large_string()),
                    *(chunk.cast(pa.large_string()) for chunk in whole.chunks),
                ]
            )
        encoded = whole.dictionary_encode()
        texts, codes = encoded.dictionary, np.asarray(encoded.indices, np.int64)
        if trim:
            again = pc.utf8_trim_whitespace(texts).dictionary_encode()
            texts, codes = again.dictionary, np.asarray(again.indices, np.int64)[codes]
        self.name, self.texts, self.codes = name, texts, codes
        self.counts = np.bincount(codes, minlength=len(texts))

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.codes)

    def matching(self, pattern: str) -> np.ndarray:
        """For each different value, whether it matches a regular expression."""
        return np.asarray(pc.match_substring_regex(self.texts, pattern), bool)

    def is_in(self, values: tuple[str, ...]) -> np.ndarray:
        """For each different value, whether it is one of `values`."""
        return np.asarray(pc.is_in(self.texts, pa.array(values, pa.string())), bool)

    def of(self, mask: np.ndarray, most: int = 50) -> list[str]:
        """Some of the different values for which the mask is true, the most frequent first."""
        found = np.flatnonzero(mask)
        order = found[np.argsort(-self.counts[found], kind="stable")][:most]
        return [self.texts[int(index)].as_py() for index in order]

    def count(self, mask: np.ndarray) -> int:
        """How many rows have a value for which the mask is true."""
        return int(self.counts[mask].sum())

    def row_of(self, value: str) -> int:
        """The first row with a value."""
        index = pc.index(self.texts, pa.scalar(value)).as_py()
        return int(np.flatnonzero(self.codes == index)[0])

    def numbers(self, style: NumberStyle, missing: np.ndarray) -> np.ndarray:
        """The number that each different value is; NaN for missing ones."""
        kept = pa.array(~missing)
        plain = style.plain(self.texts.filter(kept)).cast(pa.float64())
        found = np.full(len(self.texts), np.nan)
        found[~missing] = np.asarray(plain)
        return found

    def are_integers(self, style: NumberStyle, missing: np.ndarray) -> bool:
        """Whether all values are whole numbers of 64 bits, written without a fraction."""
        plain = style.plain(self.texts.filter(pa.array(~missing)))
        if not pc.all(pc.match_substring_regex(plain, _INTEGER)).as_py():
            return False
        long = plain.filter(pc.greater_equal(pc.binary_length(plain), 19))
        return all(-_INT64 <= int(text) < _INT64 for text in long.to_pylist())

    def all_match(self, missing: np.ndarray, check: Callable[[str], bool], most: int) -> bool:
        """Whether a check holds for the values, of which at most `most` are looked at."""
        found = np.flatnonzero(~missing)
        step = max(1, len(found) // most)
        return all(check(self.texts[int(index)].as_py()) for index in found[::step])
