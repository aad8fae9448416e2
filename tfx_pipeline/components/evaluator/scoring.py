"""Scores rows with the models: predictions and labels, accumulated for each slice.

The Evaluator does not wait for the export check. A candidate that cannot be served
cannot be scored either, and is refused here.
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
from tfx_pipeline.components.evaluator.metric_accumulators import ACCUMULATORS, Accumulator
from tfx_pipeline.components.evaluator.slicing import SliceKey, by_slice, text
from tfx_pipeline.config import metric_catalog
from tfx_pipeline.errors import Finding, NodeError, Refused
from tfx_pipeline.modeling.label_spelling import UNKNOWN_CLASS, class_id

_log = logging.getLogger(__name__)

SliceAccumulators = dict[SliceKey, dict[str, Accumulator]]
"""The accumulator of each slice and model."""

_SIGNATURE = "serving_default"
_UNKNOWN = UNKNOWN_CLASS
# The cause of these is the machine, not the model.
_MACHINE_ERRORS = (
    tf.errors.DeadlineExceededError,
    tf.errors.ResourceExhaustedError,
    tf.errors.UnavailableError,
    MemoryError,
)


class BaselineError(NodeError):
    """The baseline cannot be loaded, or cannot read these rows. Its text is the reason."""


class Scorer:
    """Scores batches of raw examples with one or two models.

    Args:
      models: folders of SavedModels by TFMA's model name.
      label: the label's column.
      task: binary, multiclass or regression.
      prediction_key: the output of `serving_default` with the predictions.
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
        """Closes the models' sessions."""
        for model in self._models.values():
            model.__exit__()

    def accumulators(self, batch: Sequence[bytes]) -> SliceAccumulators:
        """Scores a batch and accumulates it, for each slice and model.

        Raises:
          Refused: the candidate fails, or does not return one result for each row.
          NodeError: the outputs are not those that the task needs.
          BaselineError: the baseline fails, or does not know a class of the candidate.
        """
        columns = self._reader.read(batch)
        outputs = {name: self._predict(name, batch) for name in self._models}
        predictions = {}
        for name, output in outputs.items():
            with _refusing(name, _SIGNATURE, "returns what the task needs"):
                predictions[name] = self._predictions(output)
        labels = {
            name: self._labels(columns[self._label], output, predictions[name])
            for name, output in outputs.items()
        }
        from_rows = ACCUMULATORS[self._task].from_rows
        return {
            key: {
                name: from_rows(labels[name][rows], predictions[name][rows])
                for name in self._models
            }
            for key, rows in by_slice(
                _usable_rows(labels, columns[self._label]), self._slices, columns
            ).items()
        }

    def _predict(self, name: str, batch: Sequence[bytes]) -> dict[str, np.ndarray]:
        model = self._models[name]
        input_name = _SIGNATURE in model.signatures and model.string_input(_SIGNATURE)
        if not input_name:
            rule = f"has {_SIGNATURE} for serialized tf.Examples"
            found = ", ".join(sorted(model.signatures)) or "none"
            raise _refusal("model", rule, f"it has {found}")
        with _refusing(name, _SIGNATURE, "answers the rows of the test split"):
            outputs = model.call(_SIGNATURE, {input_name: np.array(batch, dtype=object)})
        for key, values in outputs.items():
            if values.ndim == 0 or len(values) != len(batch):
                found = f"{key} has shape {list(values.shape)} for {len(batch)} rows"
                raise _refusal(_SIGNATURE, "one result for each row", found)
        return outputs

    def _predictions(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """The predictions: [rows], or [rows, classes] for a multiclass task."""
        values = outputs.get(self._key)
        if values is None and len(outputs) == 1:
            values = next(iter(outputs.values()))
        if values is None:
            raise NodeError(
                f"{_SIGNATURE} has no output {self._key!r}. It has: {', '.join(sorted(outputs))}"
            )
        if not np.isfinite(values.astype(np.float64)).all():
            rows = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
            found = f"{len(rows)} of {len(values)} rows have NaN or infinity"
            raise _refusal(_SIGNATURE, f"{self._key} are numbers", found)
        if self._task == metric_catalog.MULTICLASS:
            if values.ndim != 2:
                shape = list(values.shape)
                raise NodeError(f"output {self._key!r} has shape {shape}; needs [rows, classes]")
            return values
        columns = values.reshape(len(values), -1)
        most = 2 if self._task == metric_catalog.BINARY else 1
        if columns.shape[1] not in (1, most):
            shape = list(values.shape)
            raise NodeError(f"output {self._key!r} has shape {shape}; {self._task} needs [rows, 1]")
        return columns[:, -1]  # of two classes, the second is the positive one

    def _labels(
        self, column: RawColumn, outputs: Mapping[str, np.ndarray], predictions: np.ndarray
    ) -> np.ndarray:
        """Class ids or numbers [rows]; `_UNKNOWN` or NaN where a row has no usable label.

        A class that a multiclass model does not have gets the number of its classes: such
        a row counts, as an error of the model.
        """
        rows, first = column.first()
        if self._task == metric_catalog.REGRESSION:
            numbers = np.full(len(column.splits) - 1, np.nan)
            numbers[rows] = column.values[first]
            return numbers
        classes = outputs.get("classes")
        names = [] if classes is None or classes.dtype != object else list(classes[0])
        ids = {text(name): index for index, name in enumerate(names)}
        distinct, codes = column.coded()
        multiclass = self._task == metric_catalog.MULTICLASS
        class_count = predictions.shape[1] if multiclass else 2
        beyond = class_count if multiclass else _UNKNOWN
        found = [class_id(text(value), ids) for value in distinct]
        known = [number if 0 <= number < class_count else beyond for number in found]
        labels = np.full(len(column.splits) - 1, _UNKNOWN)
        labels[rows] = np.array(known, np.int64)[codes[first]]
        return labels


def _usable_rows(labels: Mapping[str, np.ndarray], column: RawColumn) -> np.ndarray:
    """Indices of the rows whose label the candidate knows.

    Raises:
      BaselineError: the baseline does not know one of these labels.
    """
    known = {
        name: ~np.isnan(values) if values.dtype.kind == "f" else values != _UNKNOWN
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


def _load(name: str, folder: str) -> ServedModel:
    with _refusing(name, "model", "loads in a graph session"):
        return ServedModel(folder, optimize=False)


@contextlib.contextmanager
def _refusing(name: str, subject: str, rule: str) -> Iterator[None]:
    """Refuses a candidate that fails.

    A baseline could be served once, so its failure has another reason: the new data.
    """
    try:
        yield
    except (*_MACHINE_ERRORS, BaselineError):
        raise
    except Exception as error:
        if name == constants.BASELINE_KEY:
            raise BaselineError(reason(error)) from error
        if isinstance(error, (NodeError, Refused)):
            raise
        raise _refusal(subject, rule, reason(error)) from error


def _refusal(subject: str, rule: str, found: str) -> Refused:
    message = "the model cannot be evaluated, because it cannot be served"
    return Refused(message, [Finding(subject, rule, found)])
