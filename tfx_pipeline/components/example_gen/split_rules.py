"""Which split a row goes to, where not the hash of the whole row decides (`data.split`)."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa

from tfx_pipeline.components.common.example_encoder import Block
from tfx_pipeline.components.example_gen import split_thresholds
from tfx_pipeline.components.example_gen.split_thresholds import Counts
from tfx_pipeline.config.splits import ALIASES
from tfx_pipeline.errors import DataRefused, Finding, did_you_mean

BY, TIME, COLUMN, STRATIFY = "by", "time", "column", "stratify"

_MOST_CLASSES = 10_000
_MOST_HASHES = 1 << 20
_ISO = r"^\d{4}(-\d{1,2}(-\d{1,2}([T ].*)?)?)?$"
_NO_CLASS = None

Measured = dict[Any, Counts]
"""What the first pass counts: times, or hashes of rows by class."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """How rows are divided.

    Attributes:
      kind: by, time, column or stratify.
      column: the column that decides.
      format: how texts of times are written, as `strptime` takes it; empty for ISO 8601.
      zone: the time zone of texts that name none; empty for UTC.
      thresholds: for time and stratify, after the first pass: the largest value of each split but
        the last, by class.
    """

    kind: str
    column: str
    format: str = ""
    zone: str = ""
    thresholds: Mapping[Any, Sequence[Any]] = dataclasses.field(default_factory=dict)

    @property
    def needs_measure(self) -> bool:
        """Whether the rows must be seen once before they can be divided."""
        return self.kind in (TIME, STRATIFY)

    @property
    def measured_columns(self) -> tuple[str, ...]:
        """The columns that the first pass needs; empty for all."""
        return (self.column,) if self.kind == TIME else ()

    def measure(self, blocks: Iterable[Block]) -> Measured:
        """Counts the values that decide; the first pass."""
        found: Measured = {}
        for block in blocks:
            for group, rows, values in self._grouped(block):
                del rows
                found.setdefault(group, Counts(self._most(len(found)))).add(values)
            if len(found) > _MOST_CLASSES:
                remedy = "Leave out data.split.stratify"
                self._refuse("at most 10,000 classes", "more values than that", remedy)
        return found

    def fitted(self, measured: Iterable[Measured], shares: Sequence[int]) -> Rule:
        """The rule with thresholds that give each split its share."""
        together: dict[Any, list[Counts]] = collections.defaultdict(list)
        for one in measured:
            for group, counts in one.items():
                together[group].append(counts)
        merged = {group: split_thresholds.merged(found) for group, found in together.items()}
        thresholds = {group: counts.thresholds(shares) for group, counts in merged.items()}
        return dataclasses.replace(self, thresholds=thresholds)

    def indices(self, block: Block, names: Sequence[str]) -> np.ndarray:
        """The index of each row's split; of rows without a time that of the first split.

        Raises:
          DataRefused: the data has no such column, or a value says nothing about the split.
        """
        if self.kind == COLUMN:
            return self._named(block, names)
        result = np.zeros(len(block.keys), np.int64)
        for group, rows, values in self._grouped(block):
            result[rows] = split_thresholds.parts(values, self.thresholds[group])
        return result

    def keys(self, block: Block) -> Iterable[bytes]:
        """What is hashed for the kind `by`: the row's key, or the whole row without one."""
        for key, row in zip(self._texts(block), as_bytes(block.keys), strict=True):
            yield row if key is None else key

    def _most(self, groups: int) -> int:
        # Fewer for each class where there are many; the same in every run.
        return split_thresholds.MOST if groups < 16 else max(1024, _MOST_HASHES // (groups + 1))

    def _grouped(self, block: Block) -> Iterable[tuple[Any, np.ndarray, np.ndarray]]:
        """The rows of each group and the values that divide them."""
        if self.kind == TIME:
            times, rows = self._times(block)
            return [(_NO_CLASS, rows, times)]
        hashes = _hashes(as_bytes(block.keys))
        places: dict[bytes | None, list[int]] = collections.defaultdict(list)
        for place, text in enumerate(self._texts(block)):
            places[text].append(place)
        found = [(group, np.array(rows)) for group, rows in places.items()]
        return [(group, rows, hashes[rows]) for group, rows in found]

    def _named(self, block: Block, names: Sequence[str]) -> np.ndarray:
        index = {name: number for number, name in enumerate(names)}
        known: dict[bytes | None, int] = {}
        texts = self._texts(block)
        for text in dict.fromkeys(texts):
            word = (text or b"").decode("utf-8", "replace").strip().lower()
            known[text] = index.get(ALIASES.get(word, word), -1)
            if known[text] < 0:
                rows = sum(other == text for other in texts)
                found = f"no value in {rows:,} rows" if text is None else f"{word!r}"
                remedy = f"The splits are {', '.join(names)}. Correct the column, or leave out"
                self._refuse("names a split", found, f"{remedy} data.split.column")
        return np.array([known[text] for text in texts], np.int64)

    def _times(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """Times as numbers, and the rows that have one."""
        import pandas as pd  # type: ignore[import-untyped, unused-ignore]

        array = self._array(block)
        rows = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False))
        present = array.drop_null()
        if not _is_text(array.type):
            return present.to_numpy(zero_copy_only=False).astype(np.float64), rows
        encoded = present.cast(pa.string()).dictionary_encode()
        texts = pd.Series(encoded.dictionary.to_pylist(), dtype=object)
        if "%z" in self.format:
            times = pd.to_datetime(texts, format=self.format, errors="coerce", utc=True)
        elif self.format:
            times = pd.to_datetime(texts, format=self.format, errors="coerce")
            times = self._in_zone(times.dt, np.ones(len(times), bool)).dt.tz_convert("UTC")
        else:  # one by one: the texts may be of several forms
            parsed = [pd.to_datetime(text, errors="coerce") for text in texts]
            found = [self._in_zone(time, True) if time.tzinfo is None else time for time in parsed]
            times = pd.Series([t.tz_convert("UTC") for t in found], dtype="datetime64[ns, UTC]")
        wrong = times.isna() if self.format else times.isna() | ~texts.str.match(_ISO)
        if wrong.any():
            first = texts[wrong].iloc[0]
            expected = self.format or "an ISO 8601 date, such as 2026-01-31 12:00"
            remedy = f"Write columns: {{{self.column}: {{type: datetime, format: ...}}}}"
            self._refuse(f"is a time: {expected}", repr(first), remedy)
        numbers = times.astype("int64").to_numpy()
        return numbers[encoded.indices.to_numpy(zero_copy_only=False)].astype(np.int64), rows

    def _in_zone(self, times: Any, first: Any) -> Any:
        """Times without an offset in the zone: of an hour that comes twice in it the first."""
        zone = self.zone or "UTC"
        return times.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")

    def _texts(self, block: Block) -> list[bytes | None]:
        array = self._array(block)
        if _is_text(array.type):
            return list(array.to_pylist())
        return [None if value is None else str(value).encode() for value in array.to_pylist()]

    def _array(self, block: Block) -> pa.Array:
        columns = block.columns
        if columns is None:
            columns = _decoded(block.records)
        if self.column not in columns.schema.names:
            hint = did_you_mean(self.column, columns.schema.names)
            key = "label.name" if self.kind == STRATIFY else f"data.split.{self.kind}"
            self._refuse(f"{key} is a column of the data", "there is none of that name", hint)
        return columns.column(columns.schema.names.index(self.column))

    def _refuse(self, rule: str, found: str, remedy: str) -> NoReturn:
        raise DataRefused(
            f"the data cannot be split: column {self.column!r}: {rule}, found {found}. {remedy}",
            [Finding(self.column, rule, found)],
        )


def as_bytes(values: list[bytes] | pa.Array) -> Iterable[bytes]:
    """The values as Python's bytes."""
    return values if isinstance(values, list) else values.to_numpy(zero_copy_only=False)


def _hashes(keys: Iterable[bytes]) -> np.ndarray:
    digests = b"".join([hashlib.sha256(key).digest()[:8] for key in keys])
    return np.frombuffer(digests, ">u8").astype(np.uint64)


def _is_text(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_large_binary(type_) or pa.types.is_binary(type_) or pa.types.is_null(type_)
    )


def _decoded(records: list[bytes] | pa.Array) -> pa.RecordBatch:
    """The first value of each feature of serialized tf.Examples, null where there is none."""
    from tfx_bsl.coders import example_coder

    batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(list(as_bytes(records)))
    arrays = [_first_values(array) for array in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, batch.schema.names)


def _first_values(array: pa.Array) -> pa.Array:
    if pa.types.is_null(array.type):
        return array
    lists = array.to_pylist()
    value_type = array.type.value_type
    return pa.array([values[0] if values else None for values in lists], value_type)
