"""Columns of typed values, as Parquet files and databases have them, in the types of tf.Examples.

The rules make a value the same as in a CSV file: an empty text is missing, a date that
`columns:` declares is text, other dates and times are seconds.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tfx_pipeline.components.common.column_kinds import Kind, arrow_kind
from tfx_pipeline.components.example_gen.type_inference import (
    WrongValue,
    convert,
    convert_booleans,
)
from tfx_pipeline.config.columns import HELD_AS

_ARROW_TYPES = {Kind.INT: pa.int64(), Kind.FLOAT: pa.float64(), Kind.BYTES: pa.binary()}


class NoKind(Exception):
    """Values that a tf.Example cannot hold; the text names their type."""


@dataclasses.dataclass(frozen=True)
class ColumnTypes:
    """What is known about the columns before they are read.

    Attributes:
      kinds: the kinds of the columns in the schema and in `columns:`.
      declared: each column's type and format in `columns:`.
      missing: texts that stand for no value.
    """

    kinds: Mapping[str, Kind] = dataclasses.field(default_factory=dict)
    declared: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    missing: tuple[str, ...] = ("",)

    @classmethod
    def of(
        cls,
        schema: Mapping[str, Kind],
        declared: Mapping[str, Mapping[str, str]],
        missing: tuple[str, ...] = ("",),
    ) -> ColumnTypes:
        """The types of a schema, and those of `columns:`, which come before them."""
        own = {name: Kind[HELD_AS[column["type"]]] for name, column in declared.items()}
        return cls({**schema, **own}, declared, missing)

    def type_of(self, name: str) -> str | None:
        """The type that `columns:` declares; None for other columns."""
        return self.declared[name]["type"] if name in self.declared else None

    def expected(self, name: str) -> str:
        """What messages call the type that the column must have."""
        return "true or false" if self.type_of(name) == "boolean" else self.kinds[name].name

    def plain(self, name: str, array: pa.Array) -> pa.Array:
        """The values without markers of missing ones, in a type that `arrow_kind` knows.

        Raises:
          NoKind: there is no such type.
        """
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        declared = self.type_of(name)
        if declared == "datetime" and pa.types.is_temporal(array.type):
            array = _dates_as_text(array, self.declared[name].get("format"))
        elif declared == "list" and _is_list(array.type):
            array = _lists_as_text(array)
        if arrow_kind(array.type) is None:
            hint = ". Name it in data.exclude, or let the query choose its fields"
            if _is_list(array.type):
                hint = f". Set columns: {{{name}: list}}"
            raise NoKind(f"values of type {array.type}{hint}")
        return self._without_missing(array)

    def _without_missing(self, array: pa.Array) -> pa.Array:
        if arrow_kind(array.type) == Kind.BYTES:
            if pa.types.is_large_binary(array.type) or pa.types.is_large_string(array.type):
                array = array.cast(pa.binary())
            if self.missing in (("",), ()):
                is_missing = pc.equal(pc.binary_length(array), 0)
            else:
                texts = pa.array(["", *self.missing], pa.string()).cast(array.type)
                is_missing = pc.is_in(array, value_set=texts)
        else:
            numbers = self._missing_numbers
            if not numbers or pa.types.is_temporal(array.type) or not len(array):
                return array
            is_missing = pc.is_in(array.cast(pa.float64(), safe=False), value_set=numbers)
        return pc.if_else(is_missing, pa.scalar(None, array.type), array)

    @functools.cached_property
    def _missing_numbers(self) -> pa.Array | None:
        numbers = []
        for text in self.missing:
            try:
                numbers.append(float(text))
            except ValueError:
                continue
        return pa.array(numbers, pa.float64()) if numbers else None

    def cast(self, name: str, array: pa.Array, kind: Kind) -> pa.Array:
        """What `plain` returned, in the type that `example_encoder` expects for a kind.

        Raises:
          WrongValue, pa.ArrowInvalid, pa.ArrowNotImplementedError: a value is not of the kind.
        """
        if kind == Kind.EMPTY or array.null_count == len(array):
            return pa.nulls(len(array), _ARROW_TYPES.get(kind, pa.null()))
        if self.type_of(name) == "boolean":
            return _booleans(array)
        if arrow_kind(array.type) == Kind.BYTES:
            if kind == Kind.BYTES:
                return array.cast(pa.binary())
            return convert(array.cast(pa.string()), kind)
        if kind == Kind.BYTES:
            return _as_text(array).cast(pa.binary())
        if kind == Kind.INT and pa.types.is_temporal(array.type):
            array = _as_seconds(array)
        if pa.types.is_decimal(array.type):
            array = array.cast(pa.float64())
        return array.cast(_ARROW_TYPES[kind])


def _booleans(array: pa.Array) -> pa.Array:
    if arrow_kind(array.type) == Kind.BYTES:
        return convert_booleans(array.cast(pa.string()))
    values = array.cast(pa.int64())
    if not pc.all(pc.is_in(values.drop_null(), value_set=pa.array([0, 1]))).as_py():
        raise WrongValue("a number is neither 0 nor 1")
    return values


def _as_text(array: pa.Array) -> pa.Array:
    """Numbers and the like as text."""
    if not pa.types.is_floating(array.type):
        return array.cast(pa.string())
    encoded = array.dictionary_encode()  # as Python writes them, in all versions of Arrow
    texts = pa.array([repr(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return texts.take(encoded.indices)


def _as_seconds(array: pa.Array) -> pa.Array:
    """Timestamps, dates, times of day and durations in seconds; fractions are dropped."""
    if pa.types.is_time(array.type):
        return array.cast(pa.time32("s"), safe=False).cast(pa.int32())
    seconds = pa.duration("s") if pa.types.is_duration(array.type) else pa.timestamp("s")
    return array.cast(seconds, safe=False)


def _dates_as_text(array: pa.Array, form: str | None) -> pa.Array:
    """Dates and times in the declared form, or as ISO 8601 writes them."""
    encoded = array.dictionary_encode()
    if pa.types.is_timestamp(array.type) and array.type.unit == "ns":
        encoded = array.cast(pa.timestamp("us", array.type.tz), safe=False).dictionary_encode()
    values: list[Any] = encoded.dictionary.to_pylist()
    texts = [value.strftime(form) if form else _iso(value) for value in values]
    return pa.array(texts, pa.string()).take(encoded.indices)


def _iso(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _is_list(arrow_type: pa.DataType) -> bool:
    types = pa.types
    kinds = (types.is_list, types.is_large_list, types.is_fixed_size_list)
    return any(is_list(arrow_type) for is_list in kinds)


def _lists_as_text(array: pa.Array) -> pa.Array:
    return pa.array([None if v is None else list_text(v) for v in array.to_pylist()], pa.string())


def list_text(values: Any) -> str:
    """A list as JSON writes it."""
    return json.dumps(values, ensure_ascii=False, default=str)
