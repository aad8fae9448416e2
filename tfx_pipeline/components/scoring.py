"""Predictions beside labels: what the Evaluator's metrics are made of."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_pipeline import metrics as known
from tfx_pipeline.components.graph_session import ServedModel
from tfx_pipeline.components.raw_columns import RawColumn, Reader
from tfx_pipeline.components.slicing import SliceKey, by_slice, text
from tfx_pipeline.components.tally import TALLIES, Tally
from tfx_pipeline.errors import NodeError

_log = logging.getLogger(__name__)

Tallies = dict[SliceKey, dict[str, Tally]]

_SIGNATURE = "serving_default"
_UNKNOWN = -1
_SPELLINGS = {"true": 1, "yes": 1, "y": 1, "t": 1, "false": 0, "no": 0, "n": 0, "f": 0}


class Scorer:
    """Scores batches of raw examples with one or two models.

    Args:
      models: folders of SavedModels by TFMA's model name.
      label: the label's column.
      task: binary, multiclass or regression.
      prediction_key: which output of `serving_default` holds the predictions.
      slices: lists of columns.
    """

    def __init__(
        self,
        models: Mapping[str, str],
        label: str,
        task: str,
        prediction_key: str,
        slices: Sequence[Sequence[str]],
    ):
        self._models = {name: ServedModel(folder) for name, folder in models.items()}
        self._label, self._task, self._key = label, task, prediction_key
        self._slices = [tuple(sorted(columns)) for columns in slices if columns]
        self._reader = Reader({label, *(name for columns in self._slices for name in columns)})

    def close(self) -> None:
        for model in self._models.values():
            model.__exit__()

    def tallies(self, batch: Sequence[bytes]) -> Tallies:
        """The tally of each slice, by model."""
        columns = self._reader.read(batch)
        outputs = {name: self._predict(model, batch) for name, model in self._models.items()}
        predictions = {name: self._predictions(output) for name, output in outputs.items()}
        labels = {
            name: self._labels(columns[self._label], output, predictions[name])
            for name, output in outputs.items()
        }
        result: Tallies = {}
        for key, index in by_slice(_usable_rows(labels), self._slices, columns).items():
            result[key] = {
                name: TALLIES[self._task].of(labels[name][index], predictions[name][index])
                for name in self._models
            }
        return result

    def _predict(self, model: ServedModel, batch: Sequence[bytes]) -> dict[str, np.ndarray]:
        name = _SIGNATURE in model.signatures and model.string_input(_SIGNATURE)
        if not name:
            raise NodeError(
                f"the model has no signature {_SIGNATURE!r} that takes serialized tf.Examples. "
                f"It has: {', '.join(sorted(model.signatures)) or 'none'}"
            )
        return model.call(_SIGNATURE, {name: np.array(batch, dtype=object)})

    def _predictions(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """[rows], or [rows, classes] of a multiclass task."""
        values = outputs.get(self._key)
        if values is None and len(outputs) == 1:
            values = next(iter(outputs.values()))
        if values is None:
            raise NodeError(
                f"{_SIGNATURE} has no output {self._key!r}. It has: {', '.join(sorted(outputs))}"
            )
        if self._task == known.MULTICLASS:
            return values
        columns = values.reshape(len(values), -1)
        wanted = 2 if self._task == known.BINARY else 1
        if columns.shape[1] not in (1, wanted):
            shape = list(values.shape)
            raise NodeError(f"output {self._key!r} has shape {shape}; {self._task} needs [rows, 1]")
        return columns[:, -1]  # of two classes, the second is the positive one

    def _labels(
        self, column: RawColumn, outputs: Mapping[str, np.ndarray], predictions: np.ndarray
    ) -> np.ndarray:
        """Class ids or numbers; `_UNKNOWN` or NaN where a row has no usable label."""
        rows, first = column.first()
        if self._task == known.REGRESSION:
            numbers = np.full(len(column.splits) - 1, np.nan)
            numbers[rows] = column.values[first]
            return numbers
        classes = outputs.get("classes")
        names = [] if classes is None or classes.dtype != object else list(classes[0])
        ids = {text(name): index for index, name in enumerate(names)}
        default = _UNKNOWN if ids else None
        distinct, codes = column.coded()
        known_ids = np.array([_class_id(value, ids, default) for value in distinct], np.int64)
        labels = np.full(len(column.splits) - 1, _UNKNOWN)
        labels[rows] = known_ids[codes[first]]
        known_classes = predictions.shape[1] if predictions.ndim > 1 else 2
        return np.where(labels < known_classes, labels, _UNKNOWN)


def _usable_rows(labels: Mapping[str, np.ndarray]) -> np.ndarray:
    """Numbers of the rows whose label every model can be compared with."""
    usable = np.all([_usable(values) for values in labels.values()], axis=0)
    if not usable.all():
        _log.warning("Evaluator: %d rows have no usable label", (~usable).sum())
    return np.flatnonzero(usable)


def _usable(labels: np.ndarray) -> np.ndarray:
    return ~np.isnan(labels) if labels.dtype.kind == "f" else labels != _UNKNOWN


def _class_id(value: Any, ids: Mapping[str, int], default: int | None) -> int:
    """The class of a raw label, as `modules` reads labels.

    By name where the model says the names of its classes, or else the number
    itself; a float like 1.0 is the class 1.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    name = str(text(value))
    if name in ids:
        return ids[name]
    if set(ids) in (set(), {"0", "1"}) and name.lower() in _SPELLINGS:
        return _SPELLINGS[name.lower()]
    if default is None and name.isdigit():
        return int(name)
    return _UNKNOWN
