"""Numbers with a decimal comma, or with signs between groups of digits."""

from __future__ import annotations

import dataclasses
import functools
import re

import pyarrow as pa
import pyarrow.compute as pc


@dataclasses.dataclass(frozen=True)
class NumberFormat:
    """How a text writes numbers.

    Attributes:
      decimal: the character before the fraction.
      thousands: the character between groups of two or three digits; "" if there is none.
    """

    decimal: str = "."
    thousands: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether numbers are written as Python writes them."""
        return self.decimal == "." and not self.thousands

    def plain(self, texts: pa.Array) -> pa.Array | None:
        """The texts as Python writes numbers; None if one of them is not a number."""
        if self.is_plain:
            return texts
        # False if a text is no number, null if all are missing.
        if pc.all(pc.match_substring_regex(texts, self._pattern)).as_py() is False:
            return None
        if self.thousands:
            texts = pc.replace_substring(texts, self.thousands, "")
        return pc.replace_substring(texts, self.decimal, ".")

    def plain_text(self, text: str) -> str | None:
        """The same for one text."""
        if self.is_plain:
            return text
        if not re.search(self._pattern, text):
            return None
        return text.replace(self.thousands, "").replace(self.decimal, ".")

    @functools.cached_property
    def _pattern(self) -> str:
        point, digits = _one_of(self.decimal), "[0-9]+"
        if self.thousands:
            sign = _one_of(self.thousands)
            digits = f"(?:[0-9]{{1,3}}(?:{sign}[0-9]{{2,3}})*{sign}[0-9]{{3}}|[0-9]+)"
        number = f"(?:{digits}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        return rf"^[ \t]*[+-]?(?:{number}|(?i:nan|inf|infinity))[ \t]*$"


def _one_of(character: str) -> str:
    """A pattern for the character, for Python's and for Arrow's regular expressions."""
    return rf"[\{character}]" if character in r"\^]-" else f"[{character}]"


PLAIN = NumberFormat()
"""Numbers as Python writes them."""
