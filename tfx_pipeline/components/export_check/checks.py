"""What an exported model's answers must be like before anybody serves it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tfx_pipeline.compat.saved_model_session import reason
from tfx_pipeline.components.export_check.adversarial_rows import Row
from tfx_pipeline.components.export_check.input_encoders import Unfit
from tfx_pipeline.components.export_check.signature_client import Answer, SignatureClient
from tfx_pipeline.errors import Finding

SERVING, COLUMNS = "serving_default", "columns"
_NUMBERS = ("probabilities", "scores", "predictions", "outputs")
_TOLERANCE = 1e-5
# Of 1e30 and the like few digits are left after a sum, and which ones depends on
# how many rows are multiplied together.
_ODD_TOLERANCE = 1e-3
_ALONE = 8
_MOST_ROWS = 5


def failing_rows(
    client: SignatureClient, name: str, rows: Sequence[Row], error: Exception
) -> Iterator[Finding]:
    """Which rows a signature cannot answer, after it could not answer the batch."""
    failures = []
    for row in (rows[0], rows[-1], *rows[1:-1]):
        try:
            client.model.call(name, client.inputs[name].feed([row]))
        except Exception as own_error:
            failures.append((row, own_error))
        if len(failures) == 2 and failures[1][0] is rows[-1]:
            # A real row and the oddest one: there is no need to ask all the others.
            yield Finding(name, "answers every row", f"it answers none: {reason(error)}")
            return
    for row, own_error in failures[:_MOST_ROWS]:
        yield Finding(name, "answers every row", f"{row.name}: {reason(own_error)}")
    if not failures:
        yield Finding(name, "answers a batch of rows", reason(error))


def answer_findings(name: str, answer: Answer, rows: Sequence[Row]) -> Iterator[Finding]:
    """One sensible result for each row."""
    for output, values in answer.items():
        if values.ndim == 0 or len(values) != len(rows):
            found = f"{output} has shape {list(values.shape)} for {len(rows)} rows"
            yield Finding(name, "one result for each row", found)
        elif output in _NUMBERS and values.dtype.kind == "f":
            yield from _numbers(name, output, values.reshape(len(rows), -1), rows)


def _numbers(name: str, output: str, values: np.ndarray, rows: Sequence[Row]) -> Iterator[Finding]:
    finite = np.isfinite(values).all(axis=1)
    bad = {f"{output} are finite": ~finite}
    if output == "probabilities":
        outside = (values < -_TOLERANCE) | (values > 1 + _TOLERANCE)
        bad["probabilities are between 0 and 1"] = finite & outside.any(axis=1)
        if values.shape[1] > 1:
            bad["probabilities sum to 1"] = finite & (np.abs(values.sum(axis=1) - 1) > 1e-4)
    for rule, which in bad.items():
        for index in np.flatnonzero(which)[:1]:
            others = f" and {which.sum() - 1} more rows" if which.sum() > 1 else ""
            yield Finding(name, rule, f"{rows[index].name}{others}: {_shown(values[index])}")


def alone_findings(
    client: SignatureClient, answers: dict[str, Answer], rows: Sequence[Row]
) -> Iterator[Finding]:
    """A row's answer must not depend on its neighbours."""
    found: dict[str, str] = {}
    for index in np.linspace(0, len(rows) - 1, min(_ALONE, len(rows)), dtype=int):
        alone, _ = client.ask([rows[index]])
        for name in set(answers) & set(alone):
            of_row = {k: v[index : index + 1] for k, v in answers[name].items() if v.ndim}
            if text := difference(of_row, alone[name], [rows[index]]):
                found.setdefault(name, text)
    for name, text in sorted(found.items()):
        yield Finding(name, "same answer alone and in a batch", text)


def columns_findings(client: SignatureClient, rows: Sequence[Row]) -> Iterator[Finding]:
    """Asked by columns or by examples, the answer is the same."""
    comparable = []
    for row in rows:
        try:
            comparable.append(client.inputs[COLUMNS].representable(row))
        except Unfit:
            continue
    answers, _ = client.ask(comparable) if comparable else ({}, {})
    if SERVING in answers and COLUMNS in answers:
        found = difference(answers[SERVING], answers[COLUMNS], comparable)
        if found:
            yield Finding(COLUMNS, f"same answer as {SERVING}", found)


def difference(one: Answer, other: Answer, rows: Sequence[Row]) -> str:
    """Where two answers differ; empty when they agree. Outputs of one alone do not count."""
    for output in sorted(set(one) & set(other)):
        left, right = one[output], other[output]
        if left.shape != right.shape:
            return f"{output}: shapes {list(left.shape)} and {list(right.shape)}"
        if not left.size:
            continue
        tolerance = [_TOLERANCE if row.real else _ODD_TOLERANCE for row in rows]
        columns = left.reshape(len(left), -1), right.reshape(len(right), -1)
        bad = np.flatnonzero(_differs(*columns, np.array(tolerance)[:, None]).any(axis=1))
        if len(bad):
            values = f"{_shown(left[bad[0]])} and {_shown(right[bad[0]])}"
            return f"{output} of {rows[bad[0]].name}: {values}"
    return ""


def _differs(left: np.ndarray, right: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    if left.dtype.kind == "f":
        # As np.isclose, which takes no tolerance for each row.
        with np.errstate(invalid="ignore"):
            near = np.abs(left - right) <= tolerance * (1 + np.abs(right))
        near &= np.isfinite(right)  # nothing finite is near to infinity
        return ~(near | (left == right) | (np.isnan(left) & np.isnan(right)))
    return left != right


def _shown(values: np.ndarray) -> str:
    return np.array2string(np.asarray(values), precision=6, threshold=4)
