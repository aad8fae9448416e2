"""Chooses what the configuration leaves out of `model` and `training`."""

from __future__ import annotations

import dataclasses
import math
import os

from tfx_pipeline.config.training import EarlyStopping, Model, NumericEmbedding, Training

_FLOPS_PER_CORE = 1.2e10
"""What one core trains with, measured; for an estimate of the time only."""
_FLOPS_PER_STEP = 3e7
"""What a step costs beside its multiplications: reading rows, the optimizer."""
_MOST_CORES = 16
_LEAST_EVALUATIONS = 10
HIDDEN_UNITS = (128, 64)
"""Of every effort: wider layers were no better on public tables, and take longer."""
_DROPOUT = 0.1


@dataclasses.dataclass(frozen=True)
class Effort:
    """The values of one `training.effort`.

    Attributes:
      seconds: about how long a training may take; it bounds the steps.
      epochs: how often each row is seen at most.
      batches: into how many steps one pass over the rows is divided, within `batch_sizes`.
      batch_sizes: the smallest and the largest.
      patience: of early stopping, in evaluations.
      ensemble, bins, size, learning_rate: see the configuration.
    """

    seconds: float
    epochs: int
    batches: int
    batch_sizes: tuple[int, int]
    patience: int
    ensemble: int
    bins: int
    size: int
    learning_rate: float


EFFORTS = {
    "quick": Effort(10, 20, 64, (32, 512), 5, 4, 24, 8, 0.003),
    "standard": Effort(50, 60, 100, (32, 256), 12, 8, 48, 12, 0.002),
    "best": Effort(600, 120, 128, (32, 256), 20, 16, 64, 16, 0.001),
}


def complete(
    model: Model,
    training: Training,
    rows: int,
    columns: int,
    cores: int | None = None,
    multiplications: float = 0.0,
) -> tuple[Model, Training]:
    """The sections with a value for every key.

    Args:
      model, training: the sections; values that are there stay.
      rows: of the training split.
      columns: the numbers and categories that the network reads.
      cores: of the machine; absent: those that this process may use.
      multiplications: for a row, before the network's own layers; see `Feature`.

    Returns:
      The sections; the time of a training grows with `rows` up to what the effort allows.
    """
    effort = EFFORTS[training.effort]
    model = _complete_model(model, effort)
    batch_size = training.batch_size or _batch_size(rows, effort)
    steps_per_pass = max(1, rows // batch_size)
    steps = training.steps
    if steps is None:
        cores = min(cores or len(os.sched_getaffinity(0)), _MOST_CORES)
        flops = _flops(model, batch_size, columns) + 6.0 * batch_size * multiplications
        affordable = effort.seconds * cores * _FLOPS_PER_CORE / flops
        steps = max(1, int(min(effort.epochs * steps_per_pass, affordable)))
    # A large table has few passes, and the best moment can be within one.
    eval_every = training.eval_every or max(1, min(steps_per_pass, steps // _LEAST_EVALUATIONS))
    stopping = training.early_stopping
    if stopping is not None and stopping.patience is None:
        stopping = EarlyStopping(**{**stopping.model_dump(), "patience": effort.patience})
    values = {
        "steps": steps,
        "batch_size": batch_size,
        "eval_every": eval_every,
        "learning_rate": training.learning_rate or effort.learning_rate,
        "early_stopping": stopping,
    }
    return model, training.model_copy(update=values)


def _complete_model(model: Model, effort: Effort) -> Model:
    linear = model.type == "linear" or model.hidden_units == ()
    embedding = model.numeric_embedding
    if embedding is None:
        embedding = NumericEmbedding(type="none" if linear else "piecewise_linear")
    embedding = embedding.model_copy(
        update={"bins": embedding.bins or effort.bins, "size": embedding.size or effort.size}
    )
    values = {
        "hidden_units": HIDDEN_UNITS if model.hidden_units is None else model.hidden_units,
        "ensemble": model.ensemble or effort.ensemble,
        "dropout": _DROPOUT if model.dropout is None else model.dropout,
        "numeric_embedding": embedding,
    }
    if linear:
        # Members without layers of their own would be equal.
        values |= {"hidden_units": (), "ensemble": 1, "dropout": 0.0}
    return model.model_copy(update=values)


def _batch_size(rows: int, effort: Effort) -> int:
    low, high = effort.batch_sizes
    return min(max(2 ** round(math.log2(max(rows / effort.batches, 1))), low), high)


def _flops(model: Model, batch_size: int, columns: int) -> float:
    """An estimate of the operations of one training step."""
    embedding = model.numeric_embedding or NumericEmbedding(type="none")
    is_embedded = embedding.type != "none"
    bins, size = (embedding.bins or 1, embedding.size or 1) if is_embedded else (0, 8)
    multiplications, width = columns * bins * size, columns * size
    for units in model.hidden_units or ():
        multiplications += (model.ensemble or 1) * width * units
        width = units
    return 6.0 * batch_size * multiplications + _FLOPS_PER_STEP
