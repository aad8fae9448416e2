"""Writes serialized examples into splits, as TFX does: by hash, gzipped TFRecords."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import os
import pathlib
import uuid
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx.dsl.io import fileio

from tfx_pipeline.components.common import column_store
from tfx_pipeline.components.common.example_encoder import Block
from tfx_pipeline.components.common.tfrecord_files import TFRECORD_OPTIONS
from tfx_pipeline.components.example_gen.split_rules import BY, Rule, as_bytes
from tfx_pipeline.storage.layout import is_remote


@dataclasses.dataclass(frozen=True)
class Splits:
    """The splits and their shares of the rows.

    Attributes:
      buckets: names and numbers of hash buckets, for example train 6, eval 2, test 2.
      rule: what decides instead of the hash of the whole row.
    """

    buckets: tuple[tuple[str, int], ...]
    rule: Rule | None = None

    @property
    def names(self) -> list[str]:
        """The splits' names."""
        return [name for name, _ in self.buckets]

    @property
    def shares(self) -> list[int]:
        """The splits' shares, in the order of their names."""
        return [share for _, share in self.buckets]

    def of_rows(self, block: Block) -> np.ndarray:
        """The index of each row's split.

        Raises:
          DataRefused: the rule finds no split for a row.
        """
        if self.rule is None:
            return self.indices(as_bytes(block.keys))
        if self.rule.kind == BY:
            return self.indices(self.rule.keys(block))
        return self.rule.indices(block, self.names)

    def indices(self, keys: Iterable[bytes]) -> np.ndarray:
        """The index of each key's split: TFX's rule, SHA-256 modulo the number of buckets."""
        digests = b"".join([hashlib.sha256(key).digest() for key in keys])
        bounds = list(itertools.accumulate(size for _, size in self.buckets))
        bucket = remainders(np.frombuffer(digests, ">u2").reshape(-1, 16), bounds[-1])
        return np.searchsorted(np.array(bounds, np.uint64), bucket, side="right")


def remainders(numbers: np.ndarray, divisor: int) -> np.ndarray:
    """Remainders of numbers of 256 bits, given as [n, 16] words of 16 bits, the highest first."""
    weights = [pow(2, 16 * position, divisor) for position in reversed(range(16))]
    # The sum stays below 64 bits for divisors up to 2**44.
    return numbers.astype(np.uint64) @ np.array(weights, np.uint64) % np.uint64(divisor)


@dataclasses.dataclass
class Shards:
    """One file for each split, in the staging folder.

    Attributes:
      paths: the files by split.
      rows: the number of records by split.
      columns: the files with the same rows as columns, by split; empty if the columns
        are not known.
    """

    paths: dict[str, str]
    rows: dict[str, int]
    columns: dict[str, str]


def write(blocks: Iterable[Block], splits: Splits, folder: str, only: str = "") -> Shards:
    """Writes blocks of records to one new file for each split, and their columns to another.

    Args:
      blocks: records and columns.
      splits: how the records are distributed.
      folder: the staging folder.
      only: the split of all records, if they are not distributed.
    """
    fileio.makedirs(folder)
    unique = uuid.uuid4().hex
    paths = {name: os.path.join(folder, f"{name}-{unique}.gz") for name in splits.names}
    rows = [0] * len(paths)
    with contextlib.ExitStack() as stack:
        files = [tf.io.TFRecordWriter(path, TFRECORD_OPTIONS) for path in paths.values()]
        writes = [stack.enter_context(file).write for file in files]
        columns = _ColumnWriters(splits, os.path.join(folder, unique), stack)
        for block in blocks:
            if only:
                indices = np.full(len(block.keys), splits.names.index(only))
            else:
                indices = splits.of_rows(block)
            for index, record in zip(indices.tolist(), as_bytes(block.records), strict=True):
                writes[index](record)
                rows[index] += 1
            columns.add(block.columns, indices)
    return Shards(paths, dict(zip(paths, rows)), columns.paths)


class _ColumnWriters:
    """Writes each split's columns; opens the files at the first block that has columns."""

    def __init__(self, splits: Splits, prefix: str, stack: contextlib.ExitStack):
        self._splits, self._prefix, self._stack = splits, prefix, stack
        self._writers: list[column_store.Writer] = []
        self.paths: dict[str, str] = {}

    def add(self, batch: pa.RecordBatch | None, indices: np.ndarray) -> None:
        if batch is None:
            return
        if not self.paths:
            self.paths = {name: f"{self._prefix}-{name}.arrow" for name in self._splits.names}
            writers = (column_store.Writer(p, batch.schema) for p in self.paths.values())
            self._writers = [self._stack.enter_context(writer) for writer in writers]
        for number, writer in enumerate(self._writers):
            writer.add(batch.take(pa.array(np.flatnonzero(indices == number))))


def publish(shards: list[Shards], split_uris: dict[str, str]) -> None:
    """Moves the files to the splits' folders, under TFX's names.

    Args:
      shards: the files of each unit.
      split_uris: folders by split.
    """
    for split, uri in split_uris.items():
        for number, shard in enumerate(shards):
            target = os.path.join(uri, f"data_tfrecord-{number:05d}-of-{len(shards):05d}.gz")
            _move(shard.paths[split], target)
            if shard.columns:
                _move(shard.columns[split], column_store.path_for(target))


def discard(folder: str) -> None:
    """Removes a staging folder, and frees its space at once."""
    if not is_remote(folder):
        # A failed writer keeps its file open, and ML Metadata needs the space on the disk.
        for path in pathlib.Path(folder).glob("**/*"):
            if path.is_file():
                os.truncate(path, 0)
    if fileio.exists(folder):
        fileio.rmtree(folder)


def _move(source: str, target: str) -> None:
    fileio.makedirs(os.path.dirname(target))
    fileio.rename(source, target, overwrite=True)
