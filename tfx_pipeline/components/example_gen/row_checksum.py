"""A checksum of a table's rows that does not depend on their order.

A database returns rows in any order. So each row gets two hashes of 64 bits, which are
summed up over all rows. It finds changes, and is no protection against people who look
for two tables with one checksum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pandas.util import hash_array

from tfx_pipeline.components.common.column_kinds import Kind, arrow_kind

_MISSING = np.uint64(0x9E3779B97F4A7C15)
_LANES = ("first", "second")


class RowChecksum:
    """Sums up the hashes of rows, block by block."""

    def __init__(self) -> None:
        self.rows = 0
        self._sums = [0] * len(_LANES)
        self._names: set[str] = set()

    def add(self, columns: Mapping[str, pa.Array]) -> None:
        """Adds a block of rows; all columns have the same length."""
        hashes = {name: _hashes(array) for name, array in columns.items()}
        self._names.update(columns)
        self.rows += len(next(iter(columns.values())))
        for lane, key in enumerate(_LANES):
            rows = np.zeros(len(next(iter(hashes.values()))), np.uint64)
            for name, values in hashes.items():
                rows += _mixed(values ^ _seed(key, name))
            self._sums[lane] = (self._sums[lane] + int(_mixed(rows).sum())) % 2**64

    def merge(self, other: RowChecksum) -> None:
        """Adds the rows of another checksum."""
        self.rows += other.rows
        self._names |= other._names
        self._sums = [(a + b) % 2**64 for a, b in zip(self._sums, other._sums)]

    def __str__(self) -> str:
        names = hashlib.sha256("\0".join(sorted(self._names)).encode()).hexdigest()[:16]
        return f"rows:{self.rows},columns:{names},sum:{''.join(f'{s:016x}' for s in self._sums)}"


def _seed(key: str, name: str) -> Any:
    digest = hashlib.sha256(f"{key}\0{name}".encode()).digest()
    return np.frombuffer(digest, np.uint64, 1)[0]


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spreads every bit over all bits: the finaliser of SplitMix64."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _hashes(array: pa.Array) -> np.ndarray:
    if arrow_kind(array.type) in (Kind.BYTES, None):
        numbers = _text_hashes(array)
    elif arrow_kind(array.type) == Kind.FLOAT:
        numbers = _filled(array.cast(pa.float64()), 0.0).view(np.uint64)
    elif pa.types.is_null(array.type):
        return np.full(len(array), _MISSING)
    else:
        if pa.types.is_temporal(array.type):
            array = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64())
        numbers = _filled(array.cast(pa.int64()), 0).view(np.uint64)
    if array.null_count:
        numbers = np.where(array.is_null().to_numpy(zero_copy_only=False), _MISSING, numbers)
    return numbers


def _filled(array: pa.Array, value: float) -> np.ndarray:
    return np.array(pc.fill_null(array, value).to_numpy(zero_copy_only=False))


def _text_hashes(array: pa.Array) -> np.ndarray:
    if arrow_kind(array.type) is None:  # lists and the like
        array = pa.array([None if v is None else repr(v) for v in array.to_pylist()], pa.string())
    encoded = array.cast(pa.binary()).dictionary_encode()
    texts = encoded.dictionary.to_numpy(zero_copy_only=False)
    known = hash_array(texts, categorize=False)
    indices = _filled(encoded.indices.cast(pa.int64()), 0)
    return known[indices] if len(known) else np.full(len(array), _MISSING)
