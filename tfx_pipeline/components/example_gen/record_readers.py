"""JSON lines and Avro files: records of Python values."""

from __future__ import annotations

import contextlib
import dataclasses
import decimal
import itertools
import json
import uuid
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from tfx_pipeline.components.example_gen import input_files
from tfx_pipeline.components.example_gen.typed_source import BLOCK_ROWS, Rows, Unreadable
from tfx_pipeline.components.example_gen.typed_values import list_text
from tfx_pipeline.config.data_files import flat_record

_NONE = type(None)
_NUMBERS = {int, float, decimal.Decimal}


def to_arrow(values: Sequence[Any], is_text: bool = False) -> pa.Array:
    """A column of Python values as an array of the type that holds them all.

    Numbers beside texts become texts, lists of several types become JSON.

    Args:
      values: the column.
      is_text: whether the column is text in other blocks.
    """
    found = set(map(type, values)) - {_NONE}
    if is_text and len(found) > 1:
        return _texts(values)
    if found and found <= _NUMBERS:
        return _numbers(values, found)
    if found in ({bool, int}, {bool, float}, {bool, int, float}):
        return to_arrow([int(v) if isinstance(v, bool) else v for v in values])
    if found == {uuid.UUID}:
        return _texts(values)
    if found == {memoryview}:
        return pa.array([None if v is None else bytes(v) for v in values], pa.binary())
    if len(found) > 1:
        return _texts(values)
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return _texts(values)


def _numbers(values: Sequence[Any], found: set[type]) -> pa.Array:
    """Whole numbers of 64 bits, else numbers."""
    if found == {int}:
        with contextlib.suppress(OverflowError, pa.ArrowInvalid):
            return pa.array(values, pa.int64())
    if found != {float}:
        values = [None if v is None else float(v) for v in values]
    return pa.array(values, pa.float64())


def _texts(values: Iterable[Any]) -> pa.Array:
    return pa.array([None if v is None else _text(v) for v in values], pa.string())


def _text(value: Any) -> str:
    if isinstance(value, (str, decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).decode(errors="replace")
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, (bool, int, float, list, tuple, dict)):
        return list_text(value)
    return str(value)


def _blocks(
    records: Iterable[tuple[int, dict[str, Any]]], exclude: Collection[str], texts: Collection[str]
) -> Iterator[Rows]:
    records = iter(records)
    while block := list(itertools.islice(records, BLOCK_ROWS)):
        numbers = [number for number, _ in block]
        rows = [record for _, record in block]
        if any(isinstance(value, dict) for row in rows for value in row.values()):
            rows = [flat_record(row) for row in rows]
        names = dict.fromkeys(name for row in rows for name in row if name not in exclude)
        columns = {n: to_arrow([row.get(n) for row in rows], n in texts) for n in names}
        yield Rows(numbers, columns)


@dataclasses.dataclass(frozen=True)
class JsonLinesReader:
    """Files of one JSON object in each line. Objects within get names with a dot."""

    unit: str = "line"
    name: str = ""

    def columns(self, path: str) -> list[str]:
        """No names: each line has its own."""
        return []

    def rows(self, path: str, exclude: Collection[str], texts: Collection[str]) -> Iterator[Rows]:
        """The rows in blocks."""
        try:
            with contextlib.closing(input_files.open_plain(path)) as file:
                yield from _blocks(_json_records(_lines(file)), exclude, texts)
        except (EOFError, zlib.error, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise Unreadable("not readable", f"{error}. Is it truncated?") from error


def _lines(file: Any) -> Iterator[bytes]:
    rest = b""
    while chunk := file.read(1 << 22):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    yield rest


def _json_records(lines: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    import orjson

    for number, line in enumerate(lines, 1):
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            record = _lenient(line, number)
        if not isinstance(record, dict):
            kind = type(record).__name__
            found = f"line {number}: a {kind}, where each line must be one object"
            raise Unreadable("no JSON lines", found)
        yield number, record


def _lenient(line: bytes, number: int) -> Any:
    """What Python's own reader makes of a line: it accepts NaN, which pandas writes.

    Raises:
      Unreadable: it is no JSON.
    """
    try:
        return json.loads(line)
    except UnicodeDecodeError as error:
        found = f"line {number}: not UTF-8. Save the file as UTF-8"
        raise Unreadable("no JSON lines", found) from error
    except ValueError as error:
        raise Unreadable("no JSON lines", f"line {number}: {error}") from error


@dataclasses.dataclass(frozen=True)
class AvroReader:
    """Avro files. Records within get names with a dot."""

    unit: str = "record"
    name: str = ""

    def columns(self, path: str) -> list[str]:
        """No names: those of records within are known when they are read."""
        return []

    def rows(self, path: str, exclude: Collection[str], texts: Collection[str]) -> Iterator[Rows]:
        """The rows in blocks."""
        import fastavro

        with input_files.open_raw(path) as file:
            records = _avro_records(lambda: fastavro.reader(file))
            yield from _blocks(records, exclude, texts)


def _avro_records(open_reader: Callable[[], Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        for number, record in enumerate(open_reader(), 1):
            if not isinstance(record, dict):
                raise Unreadable("no Avro records", f"values of type {type(record).__name__}")
            yield number, record
    except (ValueError, EOFError, KeyError, IndexError, TypeError, zlib.error) as error:
        found = f"after record {number}: {error or type(error).__name__}"
        raise Unreadable("no Avro file", found) from error
