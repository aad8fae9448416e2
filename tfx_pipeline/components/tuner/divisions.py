"""Other divisions of the rows of the splits train and eval, as files that a `run_fn` reads.

A division holds out as many rows of the split train as the split eval has. Those of eval are
trained on in their place. Equal rows stay together, and no row is held out twice.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence

import tensorflow as tf

from tfx_pipeline.modeling.dataset import count_rows, files_of

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
    files = files_of([*train, *evaluation])
    if sum(tf.io.gfile.stat(path).length for path in files) > _MAX_BYTES:
        return 0
    try:
        if not 0 < count_rows(evaluation, _ENOUGH_ROWS) < _ENOUGH_ROWS:
            return 0
        found = set(_parts(train, evaluation))
    except tf.errors.DataLossError:
        return 0
    return next((part for part in range(MOST) if part not in found), MOST)


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
    unfinished = f"{kept}.part"
    with tf.io.TFRecordWriter(unfinished, "GZIP") as used:
        with tf.io.TFRecordWriter(held_out, "GZIP") as others:
            for row, part in zip(_rows(train), _parts(train, evaluation), strict=True):
                (others if part == number - 1 else used).write(row)
        for row in _rows(evaluation):
            used.write(row)
    os.rename(unfinished, kept)
    return kept, held_out


def _parts(train: Sequence[str], evaluation: Sequence[str]) -> list[int]:
    """The part of each row of train, of about as many rows as eval has."""
    hashes = [hashlib.blake2b(row, digest_size=8).digest() for row in _rows(train)]
    parts = max(1, round(len(hashes) / count_rows(evaluation)))
    return [int.from_bytes(found, "big") % parts for found in hashes]


def _rows(patterns: Sequence[str]) -> Iterator[bytes]:
    return tf.data.TFRecordDataset(files_of(patterns), "GZIP").as_numpy_iterator()
