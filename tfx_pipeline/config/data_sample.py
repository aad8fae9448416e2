"""Facts about the columns of the data's first rows, without TensorFlow.

`tfx-pipeline check` shows with them what a run would decide. The run itself looks at the
training split.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from tfx_pipeline.config import data_files, default_treatments, schema_file
from tfx_pipeline.config.columns import HELD_AS
from tfx_pipeline.config.default_treatments import ColumnFacts
from tfx_pipeline.config.models import Config
from tfx_pipeline.config.treatment import INTEGER, NUMBER, TEXT, Auto
from tfx_pipeline.storage.layout import is_remote

ROWS = 50_000
_BLOCK = 4 << 20
_EXAMPLES = 20


def facts(config: Config) -> dict[str, ColumnFacts]:
    """The facts about each column that a request can have.

    Args:
      config: names the data, and perhaps a schema with types and domains.

    Returns:
      The facts by column; empty if the data is not on this machine, or cannot be read in a
      simple way.
    """
    files = [] if is_remote(config.data.path) else _files(config)
    try:
        table = _read(config, files[0]) if files else None
        schema = _schema(config)
    except (pa.ArrowException, OSError, UnicodeError, schema_file.SchemaError):
        return {}
    if table is None:
        return {}
    used = {config.label.name, config.label.weight, *config.data.exclude}
    used |= {*config.data.split.no_features}
    return {
        name: _facts(name, table[name], schema, config)
        for name in table.column_names
        if name not in used and (not schema or name in schema.types)
    }


def _files(config: Config) -> list[pathlib.Path]:
    data = config.data
    return data_files.find(data.path, data.format, data.split.folder_names)


def _schema(config: Config) -> schema_file.SchemaSummary | None:
    path = config.schema_source.path
    if path is None or is_remote(path):
        return None
    return schema_file.summarise(schema_file.read_schema(path))


def _read(config: Config, path: pathlib.Path) -> pa.Table | None:
    if config.data.format == "parquet":
        batches = parquet.ParquetFile(path).iter_batches(ROWS)
        return pa.Table.from_batches([batch for batch, _ in zip(batches, range(1), strict=False)])
    if config.data.format not in ("csv", "tsv"):
        return None
    text = config.data.text_format
    texts = {name: pa.string() for name, c in config.columns.items() if HELD_AS[c.type] == TEXT}
    reader = csv.open_csv(
        path,
        csv.ReadOptions(
            block_size=_BLOCK,
            encoding=text.encoding,
            skip_rows=text.skip_rows,
            column_names=list(text.header) or None,
        ),
        csv.ParseOptions(
            delimiter=text.delimiter, quote_char=text.quote or False, newlines_in_values=True
        ),
        csv.ConvertOptions(
            null_values=["", *text.missing],
            strings_can_be_null=True,
            decimal_point=text.decimal,
            column_types=texts,
            timestamp_parsers=[],
        ),
    )
    with reader:
        batch = reader.read_next_batch()
    return pa.Table.from_batches([batch]).slice(0, ROWS)


def _facts(
    name: str,
    values: pa.ChunkedArray,
    schema: schema_file.SchemaSummary | None,
    config: Config,
) -> ColumnFacts:
    kind = schema.types[name] if schema else _type(values.type)
    if name in config.columns:
        kind = HELD_AS[config.columns[name].type]
    rows = len(values)
    values = values.drop_null()
    known = ColumnFacts(
        name,
        kind,
        rows,
        len(values),
        int_range=schema.ranges.get(name) if schema else None,
        declared=config.columns[name].type if name in config.columns else "",
    )
    if not len(values):
        return known
    if kind == TEXT:
        try:
            return _of_texts(known, pc.cast(values, pa.string()))
        except pa.ArrowInvalid:  # bytes that are not UTF-8
            return dataclasses.replace(known, examples=(*default_treatments.NO_TEXT,))
    return _of_numbers(known, values)


def _of_texts(known: ColumnFacts, texts: pa.ChunkedArray) -> ColumnFacts:
    counted = sorted(pc.value_counts(texts).to_pylist(), key=lambda item: -item["counts"])
    return dataclasses.replace(
        known,
        distinct=len(counted),
        mean_length=pc.mean(pc.binary_length(texts)).as_py(),
        examples=tuple(item["values"] for item in counted[:_EXAMPLES]),
    )


def _of_numbers(known: ColumnFacts, values: pa.ChunkedArray) -> ColumnFacts:
    try:
        numbers = pc.cast(values, pa.float64())
    except pa.ArrowInvalid:
        return known
    numbers = numbers.filter(pc.is_finite(numbers))
    low, *deciles, high = pc.quantile(numbers, [0, 0.1, 0.5, 0.9, 1]).to_pylist()
    return dataclasses.replace(
        known,
        present=len(numbers),
        low=low or 0.0,
        high=high or 0.0,
        deciles=(deciles[0] or 0.0, deciles[1] or 0.0, deciles[2] or 0.0),
    )


def _type(type_: pa.DataType) -> str:
    if pa.types.is_integer(type_) or pa.types.is_boolean(type_):
        return INTEGER
    return NUMBER if pa.types.is_floating(type_) else TEXT


def used(config: Config, found: Mapping[str, ColumnFacts]) -> dict[str, ColumnFacts]:
    """The facts about the columns whose treatment the run decides."""
    if not config.features:
        return dict(found)
    return {
        name: found[name]
        for name, feature in config.features.items()
        if isinstance(feature, Auto) and name in found
    }
