"""The rules for the outputs of an exported model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tfx_pipeline.compat.saved_model_session import reason
from tfx_pipeline.components.export_check.adversarial_rows import Row
from tfx_pipeline.components.export_check.input_encoders import NotRepresentable
from tfx_pipeline.components.export_check.signature_client import Outputs, SignatureClient
from tfx_pipeline.errors import Finding

SERVING, COLUMNS = "serving_default", "columns"
_NUMBERS = ("probabilities", "scores", "predictions", "outputs")
_TOLERANCE = 1e-5
# A sum with values like 1e30 keeps few digits, and which ones depends on the number of
# rows in the batch.
_ADVERSARIAL_TOLERANCE = 1e-3
_SINGLE_ROWS = 8
_MOST_ROWS = 5


def failing_rows(
    client: SignatureClient, name: str, rows: Sequence[Row], error: Exception
) -> Iterator[Finding]:
    """Finds the rows for which a signature fails, after it failed for the batch."""
    failures: list[tuple[Row, Exception]] = []
    for row in (rows[0], rows[-1], *rows[1:-1]):
        try:
            client.model.call(name, client.inputs[name].feed([row]))
        except Exception as row_error:
            failures.append((row, row_error))
        if len(failures) == 2 and failures[1][0] is rows[-1]:
            # Both a real row and the most unusual one fail: the others need not be sent.
            yield Finding(name, "answers every row", f"it answers none: {_explained(error)}")
            return
    for row, failure in failures[:_MOST_ROWS]:
        yield Finding(name, "answers every row", f"{row.name}: {reason(failure)}")
    if not failures:
        yield Finding(name, "answers a batch of rows", reason(error))


def _explained(error: Exception) -> str:
    """The reason, with what to do about it where that is known."""
    text = reason(error)
    if "Could not find variable" in text:
        text += ". A graph session cannot restore what Keras 3 saves with TensorFlow 2.16:"
        text += " set TF_USE_LEGACY_KERAS=1 before TensorFlow is imported, and train anew"
    return text


def output_findings(name: str, outputs: Outputs, rows: Sequence[Row]) -> Iterator[Finding]:
    """Checks that a signature returns one valid result for each row."""
    for output, values in outputs.items():
        if values.ndim == 0 or len(values) != len(rows):
            found = f"{output} has shape {list(values.shape)} for {len(rows)} rows"
            yield Finding(name, "one result for each row", found)
        elif output in _NUMBERS and values.dtype.kind == "f":
            yield from _number_findings(name, output, values.reshape(len(rows), -1), rows)


def _number_findings(
    name: str, output: str, values: np.ndarray, rows: Sequence[Row]
) -> Iterator[Finding]:
    """Checks numbers [rows, columns] of one output."""
    finite = np.isfinite(values).all(axis=1)
    broken_rules = {f"{output} are finite": ~finite}
    if output == "probabilities":
        outside = (values < -_TOLERANCE) | (values > 1 + _TOLERANCE)
        broken_rules["probabilities are between 0 and 1"] = finite & outside.any(axis=1)
        if values.shape[1] > 1:
            wrong_sum = np.abs(values.sum(axis=1) - 1) > 1e-4
            broken_rules["probabilities sum to 1"] = finite & wrong_sum
    for rule, breaks in broken_rules.items():
        if breaks.any():
            index = np.flatnonzero(breaks)[0]
            others = f" and {breaks.sum() - 1} more rows" if breaks.sum() > 1 else ""
            yield Finding(name, rule, f"{rows[index].name}{others}: {_shown(values[index])}")


def batch_findings(
    client: SignatureClient, outputs: dict[str, Outputs], rows: Sequence[Row]
) -> Iterator[Finding]:
    """Checks that the outputs for a row do not depend on the other rows of its batch."""
    found: dict[str, str] = {}
    sizes = {name: _sizes(answers, rows) for name, answers in outputs.items()}
    for index in np.linspace(0, len(rows) - 1, min(_SINGLE_ROWS, len(rows)), dtype=int):
        alone, _ = client.call_all([rows[index]])
        for name in set(outputs) & set(alone):
            in_batch = {k: v[index : index + 1] for k, v in outputs[name].items() if v.ndim}
            if text := difference(in_batch, alone[name], [rows[index]], sizes[name]):
                found.setdefault(name, text)
    for name, text in sorted(found.items()):
        yield Finding(name, "same answer alone and in a batch", text)


def columns_findings(client: SignatureClient, rows: Sequence[Row]) -> Iterator[Finding]:
    """Checks that `columns` and `serving_default` return the same for the same rows."""
    comparable = []
    for row in rows:
        with contextlib.suppress(NotRepresentable):
            comparable.append(client.inputs[COLUMNS].representable(row))
    outputs, _ = client.call_all(comparable) if comparable else ({}, {})
    if SERVING in outputs and COLUMNS in outputs:
        found = difference(outputs[SERVING], outputs[COLUMNS], comparable)
        if found:
            yield Finding(COLUMNS, f"same answer as {SERVING}", found)


def difference(
    one: Outputs, other: Outputs, rows: Sequence[Row], sizes: Mapping[str, float] | None = None
) -> str:
    """Describes the first difference between two results for the same rows.

    Numbers of real rows may differ by 1e-5, those of adversarial rows by 1e-3, relative to
    the number plus the output's size: a number near zero can be the sum of large ones, of
    which float32 keeps seven digits. An output that only one of the two has is ignored.

    Args:
      sizes: of the outputs; absent: those of `other` for these rows.

    Returns:
      A text for a message; empty if the results agree.
    """
    sizes = _sizes(other, rows) if sizes is None else sizes
    for output in sorted(set(one) & set(other)):
        left, right = one[output], other[output]
        if left.shape != right.shape:
            return f"{output}: shapes {list(left.shape)} and {list(right.shape)}"
        if not left.size:
            continue
        tolerance = [_TOLERANCE if row.real else _ADVERSARIAL_TOLERANCE for row in rows]
        columns = left.reshape(len(left), -1), right.reshape(len(right), -1)
        differs = _differs(*columns, np.array(tolerance)[:, None], sizes[output]).any(axis=1)
        if differs.any():
            first = np.flatnonzero(differs)[0]
            values = f"{_shown(left[first])} and {_shown(right[first])}"
            return f"{output} of {rows[first].name}: {values}"
    return ""


def _sizes(outputs: Outputs, rows: Sequence[Row]) -> dict[str, float]:
    """For each output, its largest number for real rows, but at least 1.

    Predictions have the label's unit: at least 0.01, of which 1e-5 is what float32 cannot
    avoid in a network whose values are about 1.
    """
    real = np.array([row.real for row in rows], bool)
    sizes = {}
    for output, values in outputs.items():
        sizes[output] = 1.0
        if values.dtype.kind == "f" and values.ndim and len(values) == len(rows):
            found = np.abs(values[real])
            largest = float(np.max(found, initial=0.0, where=np.isfinite(found)))
            sizes[output] = max(0.01 if output == "predictions" else 1.0, largest)
    return sizes


def _differs(left: np.ndarray, right: np.ndarray, tolerance: np.ndarray, size: float) -> np.ndarray:
    if left.dtype.kind == "f":
        # As np.isclose, which has no tolerance for each row.
        with np.errstate(invalid="ignore"):
            near = np.abs(left - right) <= tolerance * (size + np.abs(right))
        near &= np.isfinite(right)  # infinity is near to no finite number
        return ~(near | (left == right) | (np.isnan(left) & np.isnan(right)))
    return left != right


def _shown(values: np.ndarray) -> str:
    return np.array2string(np.asarray(values), precision=6, threshold=4)
