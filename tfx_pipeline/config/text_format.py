"""How delimited text is written: delimiter, quotes, encoding, numbers, missing values, header."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import itertools
import json
from collections.abc import Iterable, Iterator
from typing import IO, Any

_UTF8 = "utf-8"


@dataclasses.dataclass(frozen=True)
class TextFormat:
    """How the rows of a text file are written.

    Attributes:
      delimiter: the character between two values.
      quote: the character around a value that holds the delimiter; "" if there is none.
      encoding: the name of a Python codec, as `codec_name` returns it.
      decimal: the character before the fraction of a number.
      thousands: the character between groups of digits; "" if there is none.
      missing: texts that stand for no value, beside the empty one.
      skip_rows: the number of lines before the header.
      header: the columns' names, if the file does not hold them.
      trim: whether blanks around values and names are dropped.
    """

    delimiter: str = ","
    quote: str = '"'
    encoding: str = _UTF8
    decimal: str = "."
    thousands: str = ""
    missing: tuple[str, ...] = ("",)
    skip_rows: int = 0
    header: tuple[str, ...] = ()
    trim: bool = False

    @property
    def is_utf8(self) -> bool:
        """Whether the bytes are UTF-8 already."""
        return self.encoding == _UTF8

    @property
    def codec(self) -> str:
        """The codec to decode with; a byte order mark of UTF-8 is dropped."""
        return "utf-8-sig" if self.is_utf8 else self.encoding

    @property
    def no_values(self) -> list[str]:
        """The texts that stand for no value. The empty one always does."""
        return list(dict.fromkeys(["", *self.missing]))

    def to_json(self) -> str:
        """The values as one line, for the parameters of a node."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> TextFormat:
        """What `to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        lists = {name: tuple(values[name]) for name in ("missing", "header")}
        return cls(**{**values, **lists})

    def csv_options(self) -> dict[str, Any]:
        """The arguments of Python's `csv.reader`."""
        if not self.quote:
            return {"delimiter": self.delimiter, "quoting": csv.QUOTE_NONE}
        return {"delimiter": self.delimiter, "quotechar": self.quote}


CSV = TextFormat()
"""As most CSV files are written."""


def codec_name(encoding: str) -> str:
    """The codec's own name; `utf-8` also for its variant with a byte order mark.

    Raises:
      LookupError: Python has no such encoding of text.
    """
    found = codecs.lookup(encoding)
    "".encode(found.name)  # LookupError for codecs that are no encoding of text, such as hex
    return _UTF8 if found.name in ("utf-8", "utf-8-sig") else found.name


def header_as_written(file: IO[bytes], text: TextFormat) -> list[str]:
    """The header of a file that is not compressed; empty if there is none.

    Args:
      file: at its start.
      text: how it is written.

    Raises:
      UnicodeDecodeError: the bytes are not text in the encoding.
      csv.Error: the line is too long, or a quote is not closed.
    """
    if text.header:
        return list(text.header)
    lines = io.TextIOWrapper(_buffered(file), encoding=text.codec, newline="")
    rows = csv.reader(itertools.islice(lines, text.skip_rows, None), **text.csv_options())
    header = next((row for row in rows if row), [])
    lines.detach()
    return [header[0].removeprefix("\ufeff"), *header[1:]] if header else []


def column_names(header: Iterable[str], text: TextFormat) -> list[str]:
    """The columns' names: the header, without blanks around them if values have none."""
    return [name.strip() if text.trim else name for name in header]


class _Raw(io.RawIOBase):
    """Adds what Python's wrappers need to a file that can only `read`."""

    def __init__(self, file: IO[bytes]):
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _buffered(file: IO[bytes]) -> io.BufferedReader:
    return io.BufferedReader(_Raw(file), 1 << 16)


BAD_BYTE = 0xDC00
"""A byte that cannot be decoded becomes this code point plus its value: no text has these."""


def _as_bad_bytes(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101
    bad = error.object[error.start : error.end]
    return "".join(chr(BAD_BYTE + byte) for byte in bad), error.end


codecs.register_error("tfx_pipeline.bad_bytes", _as_bad_bytes)


def decoded_lines(file: IO[bytes], encoding: str) -> Iterator[str]:
    """Lines that end with a line feed; bytes that cannot be decoded as `BAD_BYTE` says."""
    errors = "tfx_pipeline.bad_bytes"
    yield from io.TextIOWrapper(_buffered(file), encoding, errors=errors, newline="\n")
