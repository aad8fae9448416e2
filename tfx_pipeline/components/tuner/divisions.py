"""Other divisions of the rows of the splits train and eval, as files that a `run_fn` reads.

A division holds out as many rows of the split train as the split eval has. Those of eval are
trained on in their place. Equal rows stay together, and no row is held out twice.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import tensorflow as tf

MOST = 3
_MAX_BYTES = 200_000_000
_ENOUGH_ROWS = 20_000
"""Of the split eval. The metric of so many rows hardly changes by chance."""


def count(train: Sequence[str], evaluation: Sequence[str]) -> int:
    """How many divisions are of use: 0 if the split eval is large, or if there are no rows.

    Args:
      train, evaluation: glob patterns of gzipped TFRecords.
    """
    files = [*_files(train), *_files(evaluation)]
    if sum(tf.io.gfile.stat(path).length for path in files) > _MAX_BYTES:
        return 0
    eval_rows = len(_read(evaluation))
    if not 0 < eval_rows < _ENOUGH_ROWS:
        return 0
    rows = _read(train)
    parts = _parts(len(rows), eval_rows)
    held_out = {_part(row, parts) for row in rows}
    return next(
        (part for part in range(min(MOST, parts)) if part not in held_out), min(MOST, parts)
    )


def write(
    number: int, train: Sequence[str], evaluation: Sequence[str], folder: str
) -> tuple[str, str]:
    """Writes a division and returns the files to train on and to evaluate with.

    Args:
      number: which one, from 1.
      train, evaluation: glob patterns of gzipped TFRecords.
      folder: for the files; what is there already is used.
    """
    files = tuple(os.path.join(folder, f"{name}-{number}.gz") for name in ("eval", "train"))
    held_out, kept = files
    if not os.path.exists(kept):  # it is written last
        rows, eval_rows = _read(train), _read(evaluation)
        parts = _parts(len(rows), len(eval_rows))
        is_held_out = [_part(row, parts) == number - 1 for row in rows]
        _write(held_out, [row for row, out in zip(rows, is_held_out, strict=True) if out])
        others = [row for row, out in zip(rows, is_held_out, strict=True) if not out]
        _write(f"{kept}.part", [*others, *eval_rows])
        os.rename(f"{kept}.part", kept)
    return kept, held_out


def _parts(train_rows: int, eval_rows: int) -> int:
    return max(1, round(train_rows / eval_rows))


def _part(row: bytes, parts: int) -> int:
    return int.from_bytes(hashlib.blake2b(row, digest_size=8).digest(), "big") % parts


def _files(patterns: Sequence[str]) -> list[str]:
    return sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))


def _read(patterns: Sequence[str]) -> list[bytes]:
    return list(tf.data.TFRecordDataset(_files(patterns), "GZIP").as_numpy_iterator())


def _write(path: str, rows: Sequence[bytes]) -> None:
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for row in rows:
            writer.write(row)
