"""Reads files whose format tells the types for `init`: Parquet, ORC, Avro, JSON lines.

`as_texts` makes their values texts, as those of CSV files are, and says what they were.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tfx_pipeline.config import data_files, image_format
from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.profiling.found_data import FoundData

MOST_ROWS = 500_000
"""How many rows of a table are looked at."""
_BATCH = 65_536
_LOOKED_AT = 20


def read(found: FoundData) -> tuple[pa.Table, int]:
    """Reads the first rows.

    Returns:
      The rows; and the number of all rows.

    Raises:
      ConfigError: a file is not of its format, or there are no rows.
    """
    pieces: list[pa.Table] = []
    total = 0
    for file in found.files:
        try:
            batches, rows = _READERS[found.format](file)
            left = MOST_ROWS - sum(piece.num_rows for piece in pieces)
            piece = pa.Table.from_batches(_first(batches, left)) if left > 0 else None
        except (pa.ArrowException, OSError, ValueError, EOFError) as error:
            message = f"{file} cannot be read as {found.format}: {error}"
            raise _refused(message, "Correct the file, or take it away") from error
        total += rows
        if piece is not None and piece.num_rows:
            pieces.append(_with_partitions(piece, file, found.path))
    if not pieces:
        raise _refused(f"{found.path} has no rows", "Name a file with rows")
    return together(pieces, str(found.path)), total


def as_texts(table: pa.Table) -> tuple[pa.Table, dict[str, str]]:
    """The columns as texts, "" for no value; and the type that each of them had."""
    columns: dict[str, pa.Array] = {}
    types: dict[str, str] = {}
    for name, column in _flat(table):
        types[name], columns[name] = _type(column), _texts(column)
    return pa.table(columns), types


def _first(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.slice(0, rows)
        rows -= batch.num_rows
        if rows <= 0:
            return


def _parquet(file: pathlib.Path) -> tuple[Iterator[pa.RecordBatch], int]:
    from pyarrow import parquet

    opened = parquet.ParquetFile(file)
    return opened.iter_batches(_BATCH), opened.metadata.num_rows


def _orc(file: pathlib.Path) -> tuple[Iterator[pa.RecordBatch], int]:
    from pyarrow import orc

    opened = orc.ORCFile(str(file))
    return map(opened.read_stripe, range(opened.nstripes)), opened.nrows


def _avro(file: pathlib.Path) -> tuple[Iterator[pa.RecordBatch], int]:
    import fastavro

    with open(file, "rb") as raw:
        records = list(itertools.islice(fastavro.reader(raw), MOST_ROWS))
    with open(file, "rb") as raw:
        rows = sum(block.num_records for block in fastavro.block_reader(raw))
    return iter(pa.Table.from_pylist(records).to_batches()), rows


def _json_lines(file: pathlib.Path) -> tuple[Iterator[pa.RecordBatch], int]:
    with open(file, "rb") as raw, data_files.decompressed(raw, file.name) as plain:
        records: list[dict[str, Any]] = []
        rows = 0
        for line in plain:
            if not line.strip():
                continue
            rows += 1
            if len(records) < MOST_ROWS:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError(f"row {rows} is no JSON object")
                records.append(record)
    names = dict.fromkeys(itertools.chain.from_iterable(records))
    columns = {name: _of_json([record.get(name) for record in records]) for name in names}
    return iter(pa.table(columns).to_batches()), rows


def _of_json(values: list[Any]) -> pa.Array:
    """A column; one of numbers and texts is one of texts, as ExampleGen has it."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        texts = [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
        return pa.array(texts, pa.string())


_READERS: dict[str, Callable[[pathlib.Path], tuple[Iterator[pa.RecordBatch], int]]] = {
    "parquet": _parquet,
    "orc": _orc,
    "avro": _avro,
    "jsonl": _json_lines,
}
FORMATS = tuple(_READERS)
"""The formats that `read` knows."""


def _with_partitions(table: pa.Table, file: pathlib.Path, base: pathlib.Path) -> pa.Table:
    if base != file:
        for name, value in data_files.partition_values(str(file), str(base)).items():
            table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
    return table


def together(pieces: list[pa.Table], where: str) -> pa.Table:
    """One table of several; a column that one of them lacks has no values there.

    Raises:
      ConfigError: a column is of several types.
    """
    try:
        return pa.concat_tables(pieces, promote=True)
    except pa.ArrowException as error:
        message = f"{where} has columns that are of several types: {error}"
        raise _refused(message, "Name one file") from error


def _flat(table: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """The columns; those within a column have names with a dot."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    for index, name in enumerate(table.column_names):
        column = table.column(index)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if not pa.types.is_null(column.type):  # no file has a value
            yield name, column


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _has_images(column: pa.ChunkedArray) -> bool:
    first = column.drop_null().slice(0, _LOOKED_AT).to_pylist()
    return bool(first) and any(map(image_format.is_image, first))


def _type(column: pa.ChunkedArray) -> str:
    kind = column.type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "datetime"
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return "number"
    if _is_binary(kind) and _has_images(column):
        return "image"
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return "list" if is_list or pa.types.is_fixed_size_list(kind) else "text"


def _texts(column: pa.ChunkedArray) -> pa.Array:
    """The values as texts; a number that is none (NaN) has no value."""
    kind = column.type
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        form = "%Y-%m-%d" if pa.types.is_date(kind) else "%Y-%m-%dT%H:%M:%S"
        column = pc.strftime(column.cast(pa.timestamp("s"), safe=False), form)
    elif pa.types.is_time(kind) or pa.types.is_duration(kind):
        column = _seconds(column)
    elif _is_binary(kind) and _has_images(column):
        # Only which images are equal counts.
        known = [None if v is None else hashlib.sha256(v).hexdigest() for v in column.to_pylist()]
        column = pa.chunked_array([pa.array(known, pa.string())])
    elif _type(column) == "list":
        values = [None if v is None else json.dumps(v, default=str) for v in column.to_pylist()]
        column = pa.chunked_array([pa.array(values, pa.string())])
    elif pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    texts = column.cast(pa.string()).fill_null("")
    return pa.concat_arrays(texts.chunks) if texts.num_chunks else pa.array([], pa.string())


def _seconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    unit = column.type.unit
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    whole = pa.int32() if column.type.bit_width == 32 else pa.int64()
    return pc.divide(column.cast(whole).cast(pa.float64()), float(per_second))


def _refused(message: str, remedy: str) -> ConfigError:
    return ConfigError(Problem("", message, remedy))
