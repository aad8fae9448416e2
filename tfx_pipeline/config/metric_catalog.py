"""The metrics a configuration can name, and what TensorFlow Model Analysis calls them."""

from __future__ import annotations

import dataclasses
from typing import Any

BINARY, MULTICLASS, REGRESSION = "binary", "multiclass", "regression"


@dataclasses.dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
      class_name: its class in TFMA or Keras.
      tasks: the label tasks it applies to.
      higher_is_better: the direction in which a model improves.
      config: constructor arguments of the class.
    """

    class_name: str
    tasks: tuple[str, ...]
    higher_is_better: bool = True
    config: dict[str, Any] = dataclasses.field(default_factory=dict)


METRICS: dict[str, Metric] = {
    "auc": Metric("AUC", (BINARY,), config={"num_thresholds": 1000}),
    "auc_precision_recall": Metric("AUC", (BINARY,), config={"curve": "PR"}),
    "binary_accuracy": Metric("BinaryAccuracy", (BINARY,)),
    "precision": Metric("Precision", (BINARY,)),
    "recall": Metric("Recall", (BINARY,)),
    "f1_score": Metric("F1Score", (BINARY,)),
    "binary_crossentropy": Metric("BinaryCrossEntropy", (BINARY,), higher_is_better=False),
    "calibration": Metric("MeanPrediction", (BINARY,)),
    "accuracy": Metric("SparseCategoricalAccuracy", (MULTICLASS,)),
    "crossentropy": Metric("SparseCategoricalCrossentropy", (MULTICLASS,), False),
    "mean_squared_error": Metric("MeanSquaredError", (REGRESSION,), False),
    "mean_absolute_error": Metric("MeanAbsoluteError", (REGRESSION,), False),
    "root_mean_squared_error": Metric("RootMeanSquaredError", (REGRESSION,), False),
    "r_squared": Metric("SquaredPearsonCorrelation", (REGRESSION,)),
    "example_count": Metric("ExampleCount", (BINARY, MULTICLASS, REGRESSION)),
}

DEFAULTS: dict[str, tuple[str, ...]] = {
    BINARY: ("auc", "binary_accuracy", "binary_crossentropy", "example_count"),
    MULTICLASS: ("accuracy", "crossentropy", "example_count"),
    REGRESSION: ("root_mean_squared_error", "mean_absolute_error", "example_count"),
}


def for_task(task: str) -> tuple[str, ...]:
    """The names of the metrics that fit `task`."""
    return tuple(name for name, metric in METRICS.items() if task in metric.tasks)
