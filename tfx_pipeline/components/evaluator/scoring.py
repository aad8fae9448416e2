"""Predictions beside labels: what the Evaluator's metrics are made of.

The export check may still be looking at the candidate. One that cannot be served
cannot be scored either, and is refused.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorflow_model_analysis import constants

from tfx_pipeline.compat.saved_model_session import ServedModel, reason
from tfx_pipeline.components.evaluator.feature_reader import RawColumn, Reader
from tfx_pipeline.components.evaluator.metric_accumulators import TALLIES, Accumulator
from tfx_pipeline.components.evaluator.slicing import SliceKey, by_slice, text
from tfx_pipeline.config import metric_catalog as known
from tfx_pipeline.errors import Finding, NodeError, Refused
from tfx_pipeline.modeling.label_spelling import UNKNOWN_CLASS, class_id

_log = logging.getLogger(__name__)

Tallies = dict[SliceKey, dict[str, Accumulator]]

_SIGNATURE = "serving_default"
_UNKNOWN = UNKNOWN_CLASS
# These tell of the machine, not of the model.
_PASSING = (
    tf.errors.DeadlineExceededError,
    tf.errors.ResourceExhaustedError,
    tf.errors.UnavailableError,
    MemoryError,
)


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
        self._models = {name: _load(name, folder) for name, folder in models.items()}
        self._label, self._task, self._key = label, task, prediction_key
        self._slices = [tuple(sorted(columns)) for columns in slices if columns]
        self._reader = Reader({label, *(name for columns in self._slices for name in columns)})

    def close(self) -> None:
        for model in self._models.values():
            model.__exit__()

    def accumulators(self, batch: Sequence[bytes]) -> Tallies:
        """The accumulator of each slice, by model.

        Raises:
          Refused: the candidate gives no answer, or not one for each row.
          NodeError: the answer is not what the task needs.
        """
        columns = self._reader.read(batch)
        outputs = {name: self._predict(name, batch) for name in self._models}
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

    def _predict(self, name: str, batch: Sequence[bytes]) -> dict[str, np.ndarray]:
        model = self._models[name]
        examples = _SIGNATURE in model.signatures and model.string_input(_SIGNATURE)
        if not examples:
            rule = f"has {_SIGNATURE} for serialized tf.Examples"
            there = ", ".join(sorted(model.signatures)) or "none"
            raise _refusal("model", rule, f"it has {there}")
        with _refusing(name, _SIGNATURE, "answers the rows of the test split"):
            outputs = model.call(_SIGNATURE, {examples: np.array(batch, dtype=object)})
        for key, values in outputs.items():
            if values.ndim == 0 or len(values) != len(batch):
                found = f"{key} has shape {list(values.shape)} for {len(batch)} rows"
                raise _refusal(_SIGNATURE, "one result for each row", found)
        return outputs

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
        distinct, codes = column.coded()
        known_ids = np.array([class_id(text(value), ids) for value in distinct], np.int64)
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


def _load(name: str, folder: str) -> ServedModel:
    with _refusing(name, "model", "loads in a graph session"):
        return ServedModel(folder, optimize=False)


@contextlib.contextmanager
def _refusing(name: str, subject: str, rule: str) -> Iterator[None]:
    """Refuses a candidate that fails; what was a baseline fails for other reasons."""
    try:
        yield
    except _PASSING:
        raise
    except Exception as error:
        if name == constants.BASELINE_KEY:
            raise
        raise _refusal(subject, rule, reason(error)) from error


def _refusal(subject: str, rule: str, found: str) -> Refused:
    message = "the model cannot be evaluated, because it cannot be served"
    return Refused(message, [Finding(subject, rule, found)])


def _usable(labels: np.ndarray) -> np.ndarray:
    return ~np.isnan(labels) if labels.dtype.kind == "f" else labels != _UNKNOWN
