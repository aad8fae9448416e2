"""The sections `model` and `training`: the network, and how it is trained.

A value that is absent is chosen by `training.effort` from the rows, the columns and the
cores when the training starts; see docs/models.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from tfx_pipeline.config.base import Section

STOPPING_METRICS = {
    "binary": ("auc", "binary_accuracy", "binary_crossentropy"),
    "multiclass": ("accuracy", "crossentropy"),
    "regression": ("root_mean_squared_error", "mean_squared_error", "mean_absolute_error"),
}
"""By task, the metrics of the catalog that are computed on the eval split during training. The
first is the default."""

RUNTIME_PARAMETERS = {"steps": int, "batch_size": int, "learning_rate": float}
"""The values of `training` that can also be set when a run is started, and their types."""

DEFAULT_WORKERS = 2
"""Processes of the strategy `multi_worker`, and the fewest."""


class NumericEmbedding(Section):
    """How the network reads numbers, beside their scaled values."""

    type: Literal["piecewise_linear", "periodic", "none"] = "piecewise_linear"
    """`piecewise_linear` gives each column a continuous function of its value with a vector as
    its result, linear between the edges of bins. `periodic` gives it sines and cosines of learned
    frequencies instead. `none`: scaled values only."""
    bins: Annotated[int, Field(ge=2, le=512)] | None = None
    """Bins of a column: half at quantiles of all values, half at quantiles of the different
    values. Of `periodic`, the number of frequencies. Absent: chosen by `training.effort`."""
    frequency_std: PositiveFloat = 0.1
    """The standard deviation of the frequencies of `periodic` before the training, in periods for
    each distance of the quartiles. Larger values follow finer detail, and noise."""
    size: Annotated[int, Field(ge=1, le=256)] | None = None
    """The length of a column's vector. Absent: chosen by `training.effort`."""


class Model(Section):
    """The network: embeddings of numbers and categories into dense layers, and a linear part."""

    type: Literal["network", "linear"] = "network"
    """`linear` is logistic or linear regression on the scaled numbers and the categories: a
    baseline."""
    hidden_units: tuple[PositiveInt, ...] | None = None
    """The widths of the dense layers, the first layer first. An empty list leaves only linear
    layers. Absent: chosen by `training.effort`."""
    ensemble: Annotated[int, Field(ge=1, le=64)] | None = None
    """How many members the network has. Each has its own first and last layer, and they share the
    layers between; the prediction is the mean of their predictions. 1: no ensemble. Absent:
    chosen by `training.effort`."""
    numeric_embedding: NumericEmbedding | None = None
    """How numbers are embedded. Absent: piecewise linear; of a linear model not at all."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """The share of a dense layer's outputs that is dropped in training. 0: no dropout. Absent:
    chosen by `training.effort`."""
    l2: Annotated[float, Field(ge=0)] = 0.0
    """The weight of the L2 penalty on the layers' weights. 0: no penalty."""
    wide: bool = True
    """Adds a linear part beside the dense layers (a wide-and-deep network)."""


class EarlyStopping(Section):
    """Stops when the eval metric has not improved for `patience` evaluations; keeps the best.

    Of evaluations whose AUC or accuracy is within 0.001 of the highest, the one with the smallest
    loss is the best.
    """

    metric: str | None = None
    """The metric of the eval split that decides: `loss`, or one that the evaluation can compute.
    Absent: the first of `evaluation.thresholds`, else of `evaluation.metrics`, that is AUC,
    accuracy, cross-entropy or an error of a regression."""
    patience: PositiveInt | None = None
    """After how many evaluations without an improvement the training ends. Absent: chosen by
    `training.effort`."""
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    """The smallest change of the metric that counts as an improvement."""


class Training(Section):
    """How the network is trained."""

    effort: Literal["quick", "standard", "best"] = "standard"
    """Chooses every value that is absent here and in `model`, from the rows, the columns and the
    cores: `quick` for trials, `standard`, and `best` for the last bit of quality. See
    [models.md](models.md)."""
    steps: PositiveInt | None = None
    """The largest number of training steps, rounded up to whole evaluations. A runtime
    parameter. Absent, or 0 at run time: chosen by `effort`."""
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Rows per training step. A runtime parameter. Absent, or 0 at run time: chosen by
    `effort`."""
    eval_every: PositiveInt | None = None
    """Steps between two evaluations on the eval split. Absent: about one pass over the rows."""
    learning_rate: PositiveFloat | None = None
    """AdamW's highest learning rate; it falls to a twentieth of this value. A runtime parameter.
    Absent, or 0 at run time: chosen by `effort`."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """The share of the steps in which the learning rate rises to `learning_rate`."""
    averaging: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """The share of the steps over which the weights are averaged. What is evaluated, kept and
    exported is this average of the weights at the evaluations. Nothing is averaged where the share
    has no more than one evaluation. 0: never."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0003
    """AdamW's weight decay; biases have none."""
    clip_norm: Annotated[float, Field(ge=0)] = 1.0
    """The largest norm of all gradients of a step together; larger ones are scaled down. 0: any."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of the label that is spread over all classes. 0: none. Only for classes."""
    calibration: Literal["temperature", "none"] = "temperature"
    """`temperature` divides the logits by a number that is fitted on the eval split, so that
    probabilities are as sure as they should be. It changes no order and no predicted class of a
    network without an ensemble. Only for classes."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    """The seed of all random numbers in training: the same seed, data and machine give the same
    model."""
    early_stopping: EarlyStopping | None = EarlyStopping()
    """When the training ends early. `null`: it always runs for `steps`, and the last weights are
    kept."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced` gives every class the same weight in the loss, however rare it is."""
    strategy: Literal["none", "mirrored", "multi_worker"] = "none"
    """What trains together. `none`: one device. `mirrored`: all GPUs of the machine.
    `multi_worker`: several processes, on this machine or on several. `batch_size` is that of all
    devices together: each device trains on an equal part of each batch. See
    [devices.md](devices.md)."""
    workers: Annotated[int, Field(ge=2, le=64)] | None = None
    """With `multi_worker`, the number of processes. Absent: 2."""

    @property
    def processes(self) -> int:
        """How many processes train together."""
        return (self.workers or DEFAULT_WORKERS) if self.strategy == "multi_worker" else 1

    def with_stopping_metric(self, task: str, metrics: Iterable[str]) -> Training:
        """These settings, with a metric that decides when to stop.

        Args:
          task: binary, multiclass or regression.
          metrics: what the evaluation computes, the most important first.
        """
        stopping, known = self.early_stopping, STOPPING_METRICS[task]
        if stopping is None or stopping.metric is not None:
            return self
        chosen = next((name for name in metrics if name in known), known[0])
        stopping = stopping.model_copy(update={"metric": chosen})
        return self.model_copy(update={"early_stopping": stopping})
