"""The labels of raw rows, as a model knows them."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np
from tensorflow_model_analysis import constants

from tfx_pipeline.components.evaluator.feature_reader import RawColumn
from tfx_pipeline.components.evaluator.slicing import text
from tfx_pipeline.config import metric_catalog
from tfx_pipeline.config.label_classes import UNKNOWN_CLASS, class_id
from tfx_pipeline.errors import NodeError

_log = logging.getLogger(__name__)


class BaselineError(NodeError):
    """The baseline cannot be loaded, or cannot read these rows. Its text is the reason."""


def of_rows(
    task: str, column: RawColumn, outputs: Mapping[str, np.ndarray], predictions: np.ndarray
) -> np.ndarray:
    """Class ids or numbers [rows]; `UNKNOWN_CLASS` or NaN where a row has no usable label.

    A class that a multiclass model does not have gets the number of its classes: such
    a row counts, as an error of the model.
    """
    if task == metric_catalog.REGRESSION:
        return numbers(column)
    rows, first = column.first()
    ids = {name: index for index, name in enumerate(class_names(outputs))}
    distinct, codes = column.coded()
    multiclass = task == metric_catalog.MULTICLASS
    class_count = predictions.shape[1] if multiclass else 2
    beyond = class_count if multiclass else UNKNOWN_CLASS
    found = [class_id(text(value), ids) for value in distinct]
    known = [number if 0 <= number < class_count else beyond for number in found]
    labels = np.full(len(column.splits) - 1, UNKNOWN_CLASS)
    labels[rows] = np.array(known, np.int64)[codes[first]]
    return labels


def class_names(outputs: Mapping[str, np.ndarray]) -> list[str]:
    """The names of the classes that a model returns; empty if it returns none."""
    classes = outputs.get("classes")
    if classes is None or classes.dtype != object or not len(classes):
        return []
    return [text(name) for name in classes[0]]


def numbers(column: RawColumn) -> np.ndarray:
    """The first value of each row as float64 [rows]; NaN where there is no finite one."""
    found = np.full(len(column.splits) - 1, np.nan)
    rows, first = column.first()
    found[rows] = column.values[first]
    return np.where(np.isfinite(found), found, np.nan)


def usable_rows(labels: Mapping[str, np.ndarray], column: RawColumn) -> np.ndarray:
    """Indices of the rows whose label the candidate knows.

    Raises:
      BaselineError: the baseline does not know one of these labels.
    """
    known = {
        name: ~np.isnan(values) if values.dtype.kind == "f" else values != UNKNOWN_CLASS
        for name, values in labels.items()
    }
    of_baseline = known.pop(constants.BASELINE_KEY, None)
    (usable,) = known.values()
    if not usable.all():
        _log.warning("Evaluator: %d rows have no label, or one of no class", (~usable).sum())
    if of_baseline is not None and (usable & ~of_baseline).any():
        row = np.flatnonzero(usable & ~of_baseline)[0]
        rows, first = column.first()
        value = text(column.values[first[np.searchsorted(rows, row)]])
        raise BaselineError(f"it does not know the label {value!r}")
    return np.flatnonzero(usable)
