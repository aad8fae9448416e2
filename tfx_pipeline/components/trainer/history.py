"""Writes `history.json`: the curves of a training, from TensorBoard's files.

The files are written by Keras' callback or by any other trainer. Read from there, the curves do
not depend on who trained.
"""

from __future__ import annotations

import json
import logging
import math
import os
from typing import Any

import tensorflow as tf
from tensorflow.core.util import event_pb2
from tfx.dsl.io import fileio

from tfx_pipeline.report import file_names

_log = logging.getLogger(__name__)
_MOST_POINTS = 2000

Series = dict[str, dict[str, list[list[float]]]]


def write(folder: str) -> None:
    """Reads the event files below `folder` and writes the file, if they have any scalars.

    A file that cannot be read is left out, with a warning: a drawing is not worth a failed node.
    """
    series: Series = {}
    for path, _, names in sorted(fileio.walk(folder)):
        path = str(path)
        for name in sorted(map(str, names)):
            if "tfevents" in name:
                _read(os.path.join(path, name), os.path.relpath(path, folder), series)
    if series:
        with fileio.open(os.path.join(folder, file_names.HISTORY), "w") as file:
            file.write(json.dumps({"version": 1, "series": _thinned(series)}))


def _read(path: str, run: str, series: Series) -> None:
    try:
        for record in tf.compat.v1.io.tf_record_iterator(path):
            event = event_pb2.Event.FromString(record)
            for value in event.summary.value:
                number = _number(value)
                if number is not None:
                    points = series.setdefault(run, {}).setdefault(value.tag, [])
                    points.append([event.step, number])
    except Exception:
        _log.warning("%s cannot be read; its curves are left out", path, exc_info=True)


def _number(value: Any) -> float | None:
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        number = float(value.simple_value)
    elif kind == "tensor" and value.tensor.dtype in (
        tf.float32.as_datatype_enum,
        tf.float64.as_datatype_enum,
    ):
        array = tf.make_ndarray(value.tensor)
        if array.size != 1:
            return None
        number = float(array.reshape(-1)[0])
    else:
        return None
    return number if math.isfinite(number) else None


def _thinned(series: Series) -> Series:
    """Every n-th point of a long curve."""
    return {
        run: {tag: points[:: math.ceil(len(points) / _MOST_POINTS)] for tag, points in tags.items()}
        for run, tags in series.items()
    }
