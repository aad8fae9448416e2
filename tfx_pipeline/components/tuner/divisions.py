"""Other divisions of the rows of the splits train and eval, as files that a `run_fn` reads.

A division holds out as many rows of the split train as the split eval has. Those of eval are
trained on in their place. Equal rows stay together, and no row is held out twice.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence

import tensorflow as tf

MOST = 3
_MAX_BYTES = 200_000_000
_ENOUGH_ROWS = 20_000
"""Of the split eval. The metric of so many rows hardly changes by chance."""


def count(train: Sequence[str], evaluation: Sequence[str]) -> int:
    """How many divisions are of use.

    Args:
      train, evaluation: glob patterns of gzipped TFRecords.

    Returns:
      0 if the split eval is large, without rows, or if the files have another format.
    """
    files = [*_files(train), *_files(evaluation)]
    if sum(tf.io.gfile.stat(path).length for path in files) > _MAX_BYTES:
        return 0
    try:
        if not 0 < sum(1 for _ in _rows(evaluation, _ENOUGH_ROWS)) < _ENOUGH_ROWS:
            return 0
        parts = _parts(train, evaluation)
        found = {_part(row, parts) for row in _rows(train)}
    except tf.errors.DataLossError:
        return 0
    wanted = range(min(MOST, parts))
    return next((part for part in wanted if part not in found), len(wanted))


def write(
    number: int, train: Sequence[str], evaluation: Sequence[str], folder: str
) -> tuple[str, str]:
    """Writes a division and returns the files to train on and to evaluate with.

    Args:
      number: which one, from 1.
      train, evaluation: glob patterns of gzipped TFRecords.
      folder: for the files; what is there already is used.
    """
    kept, held_out = (os.path.join(folder, f"{name}-{number}.gz") for name in ("train", "eval"))
    if os.path.exists(kept):
        return kept, held_out
    parts = _parts(train, evaluation)
    unfinished = f"{kept}.part"
    with tf.io.TFRecordWriter(unfinished, "GZIP") as used:
        with tf.io.TFRecordWriter(held_out, "GZIP") as others:
            for row in _rows(train):
                (others if _part(row, parts) == number - 1 else used).write(row)
        for row in _rows(evaluation):
            used.write(row)
    os.rename(unfinished, kept)
    return kept, held_out


def _parts(train: Sequence[str], evaluation: Sequence[str]) -> int:
    """Into how many parts of the size of eval the rows of train are divided."""
    train_rows, eval_rows = (sum(1 for _ in _rows(split)) for split in (train, evaluation))
    return max(1, round(train_rows / eval_rows))


def _part(row: bytes, parts: int) -> int:
    return int.from_bytes(hashlib.blake2b(row, digest_size=8).digest(), "big") % parts


def _files(patterns: Sequence[str]) -> list[str]:
    return sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))


def _rows(patterns: Sequence[str], most: int = -1) -> Iterator[bytes]:
    return tf.data.TFRecordDataset(_files(patterns), "GZIP").take(most).as_numpy_iterator()
