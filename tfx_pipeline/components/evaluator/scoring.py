"""Scores rows with the models: predictions and labels, accumulated for each slice.

The Evaluator does not wait for the export check. A candidate that cannot be served
cannot be scored either, and is refused here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_model_analysis import constants

from tfx_pipeline.compat.saved_model_session import ServedModel, reason
from tfx_pipeline.components.evaluator import importance, intervals, row_labels, weak_slices
from tfx_pipeline.components.evaluator.all_rows import of_all_rows
from tfx_pipeline.components.evaluator.feature_reader import RawColumn, Reader
from tfx_pipeline.components.evaluator.metric_accumulators import ACCUMULATORS, Accumulator
from tfx_pipeline.components.evaluator.row_labels import BaselineError
from tfx_pipeline.components.evaluator.slicing import SliceKey, by_slice
from tfx_pipeline.config import metric_catalog
from tfx_pipeline.errors import Finding, NodeError, Refused

_log = logging.getLogger(__name__)

SliceAccumulators = dict[SliceKey, dict[str, Accumulator]]
"""The accumulator of each slice and model."""

_SIGNATURE = "serving_default"
_ROWS_WITH_NAMES = 500
"""Rows that are looked at for the names of columns."""
# The cause of these is the machine, not the model.
_MACHINE_ERRORS = (
    tf.errors.DeadlineExceededError,
    tf.errors.ResourceExhaustedError,
    tf.errors.UnavailableError,
    MemoryError,
)


@dataclasses.dataclass(frozen=True)
class Scored:
    """A batch that models have scored; outputs, predictions and labels are by model.

    Attributes:
      columns: the label, the weight, and the columns of the slices.
      labels: class ids or numbers of all rows, as each model knows them.
      weights: of all rows.
      rows: indices of the rows whose label can be used.
    """

    columns: Mapping[str, RawColumn]
    outputs: Mapping[str, Mapping[str, np.ndarray]]
    predictions: Mapping[str, np.ndarray]
    labels: Mapping[str, np.ndarray]
    weights: np.ndarray
    rows: np.ndarray

    def of_rows(self, name: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Labels, predictions and weights of some rows."""
        return self.labels[name][rows], self.predictions[name][rows], self.weights[rows]

    def accumulator(self, task: str, name: str, rows: np.ndarray) -> Accumulator:
        """The accumulator of some rows."""
        return ACCUMULATORS[task].from_rows(*self.of_rows(name, rows))


class Scorer:
    """Scores batches of raw examples with one or two models.

    Args:
      models: folders of SavedModels by TFMA's model name.
      label: the label's column.
      task: binary, multiclass or regression.
      prediction_key: the output of `serving_default` with the predictions.
      slices: lists of columns.
      weight: the column with the weight of each row; empty if all rows count alike.
    """

    def __init__(
        self,
        models: Mapping[str, str],
        label: str,
        task: str,
        prediction_key: str,
        slices: Sequence[Sequence[str]],
        weight: str = "",
    ):
        self._models = {name: _load(name, folder) for name, folder in models.items()}
        self._candidate = next(name for name in models if name != constants.BASELINE_KEY)
        self._label, self._task, self._key = label, task, prediction_key
        self._slices = [tuple(sorted(columns)) for columns in slices if columns]
        self._weight = weight
        of_slices = {name for columns in self._slices for name in columns}
        self._reader = Reader({label, *filter(None, [weight]), *of_slices})

    def close(self) -> None:
        """Closes the models' sessions."""
        for model in self._models.values():
            model.__exit__()

    def score(self, batch: Sequence[bytes]) -> Scored:
        """Scores a batch with all models.

        Raises:
          Refused: the candidate fails, or does not return one result for each row.
          NodeError: the outputs are not those that the task needs.
          BaselineError: the baseline fails, or does not know a class of the candidate.
        """
        return self._scored([*self._models], batch, batch)

    def _scored(
        self, names: Sequence[str], labelled: Sequence[bytes], batch: Sequence[bytes]
    ) -> Scored:
        """Scores a batch whose labels, weights and slices are those of `labelled`."""
        columns = self._reader.read(labelled)
        outputs = {name: self._predict(name, batch) for name in names}
        predictions = {}
        for name, output in outputs.items():
            with _refusing(name, _SIGNATURE, "returns what the task needs"):
                predictions[name] = self._predictions(output)
        labels = {
            name: row_labels.of_rows(self._task, columns[self._label], output, predictions[name])
            for name, output in outputs.items()
        }
        rows = row_labels.usable_rows(labels, columns[self._label])
        return Scored(
            columns, outputs, predictions, labels, self._weights(columns, len(batch)), rows
        )

    def accumulators(self, scored: Scored) -> SliceAccumulators:
        """Accumulates a batch, for each slice and model."""
        return {
            key: {name: self._accumulator(key, name, scored, rows) for name in scored.outputs}
            for key, rows in by_slice(scored.rows, self._slices, scored.columns).items()
        }

    def importance(self, batch: Sequence[bytes]) -> dict[str, Accumulator]:
        """What the candidate's metrics are if one column is shuffled, on some rows of a batch."""
        excluded = {self._label, self._weight}
        return importance.measure(batch, excluded, self._score)

    def weak_slices(self, batch: Sequence[bytes], scored: Scored) -> dict[str, Any] | None:
        """The slices of a scored batch on which the candidate does worse; see docs/report.md.

        None if rows have weights, or if it cannot be found out.
        """
        if self._weight:
            return None
        try:
            return self._weak_slices(batch, scored)
        except Exception as error:  # the evaluation does not depend on it
            _log.warning("Evaluator: no weak slices were looked for: %s", error)
            return None

    def _weak_slices(self, batch: Sequence[bytes], scored: Scored) -> dict[str, Any]:
        names = {
            name
            for record in batch[:_ROWS_WITH_NAMES]
            for name in tf.train.Example.FromString(record).features.feature
        }
        columns = Reader(names - {self._label}).read(batch)
        labels, predictions = scored.labels[self._candidate], scored.predictions[self._candidate]
        found = weak_slices.find(self._task, labels, predictions, columns, scored.rows)
        for of_slice in found["slices"]:
            chosen = scored.rows[of_slice.pop("positions")]
            of_rows = scored.accumulator(self._task, self._candidate, chosen)
            of_slice |= {"metrics": of_rows.metrics(), "intervals": intervals.of(of_rows)}
        return {"rows": len(scored.rows), "loss": weak_slices.LOSSES[self._task], **found}

    def _score(self, labelled: Sequence[bytes], batch: Sequence[bytes]) -> Accumulator:
        """The candidate's accumulator of rows whose labels are in `labelled`."""
        scored = self._scored([self._candidate], labelled, batch)
        return scored.accumulator(self._task, self._candidate, scored.rows)

    def _weights(self, columns: Mapping[str, RawColumn], rows: int) -> np.ndarray:
        """As in training: a row whose weight is missing or negative does not count."""
        weights = row_labels.numbers(columns[self._weight]) if self._weight else np.ones(rows)
        return np.where(weights > 0, weights, 0.0)

    def _accumulator(
        self, key: SliceKey, name: str, scored: Scored, rows: np.ndarray
    ) -> Accumulator:
        if key:
            return scored.accumulator(self._task, name, rows)
        names = row_labels.class_names(scored.outputs[name])
        return of_all_rows(self._task, *scored.of_rows(name, rows), names)

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
