"""The metrics that a configuration can name, and their names in TensorFlow Model Analysis.

`scripts/make_docs.py` makes docs/metrics.md from this catalog.
"""

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
      meaning: its definition, one or two sentences.
      higher_is_better: the direction in which a model improves; None if there is none.
      undefined: on which rows it is not defined; empty if it always is.
      config: constructor arguments of the class.
    """

    class_name: str
    tasks: tuple[str, ...]
    meaning: str
    higher_is_better: bool | None = True
    undefined: str = ""
    config: dict[str, Any] = dataclasses.field(default_factory=dict)


METRICS: dict[str, Metric] = {
    "auc": Metric(
        "AUC",
        (BINARY,),
        "The area under the ROC curve: the probability that a row of class 1 gets a higher "
        "prediction than a row of class 0, where equal predictions count half. It is exact up "
        "to 10 million different predictions.",
        undefined="all rows are of one class",
        config={"num_thresholds": 10_000},
    ),
    "auc_precision_recall": Metric(
        "AUC",
        (BINARY,),
        "The area under the curve of precision by recall, interpolated between predictions as "
        "Keras does (Davis and Goadrich, 2006).",
        undefined="no row is of class 1",
        config={"curve": "PR", "num_thresholds": 10_000},
    ),
    "binary_accuracy": Metric(
        "BinaryAccuracy",
        (BINARY,),
        "The share of rows whose class is predicted correctly; above 0.5 means class 1.",
    ),
    "precision": Metric(
        "Precision",
        (BINARY,),
        "Of the rows that are predicted as class 1, the share that is class 1.",
        undefined="no row is predicted as class 1",
    ),
    "recall": Metric(
        "Recall",
        (BINARY,),
        "Of the rows of class 1, the share that is predicted as class 1.",
        undefined="no row is of class 1",
    ),
    "f1_score": Metric(
        "F1Score",
        (BINARY,),
        "The harmonic mean of precision and recall.",
        undefined="no row is of class 1 or predicted as class 1",
    ),
    "binary_crossentropy": Metric(
        "BinaryCrossEntropy",
        (BINARY,),
        "The mean of -log(p), where p is the predicted probability of the row's own class.",
        higher_is_better=False,
    ),
    "calibration": Metric(
        "Calibration",
        (BINARY,),
        "The sum of the predicted probabilities of class 1, divided by the number of rows of class "
        "1. A calibrated model has 1.",
        higher_is_better=None,
        undefined="no row is of class 1",
    ),
    "mean_prediction": Metric(
        "MeanPrediction",
        (BINARY,),
        "The mean of the predicted probabilities of class 1. Compare it with the share of class 1.",
        higher_is_better=None,
    ),
    "accuracy": Metric(
        "SparseCategoricalAccuracy",
        (MULTICLASS,),
        "The share of rows whose class has the highest predicted probability.",
    ),
    "crossentropy": Metric(
        "SparseCategoricalCrossentropy",
        (MULTICLASS,),
        "The mean of -log(p), where p is the predicted probability of the row's own class.",
        higher_is_better=False,
    ),
    "mean_squared_error": Metric(
        "MeanSquaredError",
        (REGRESSION,),
        "The mean of the squared errors, in the label's unit squared.",
        higher_is_better=False,
    ),
    "mean_absolute_error": Metric(
        "MeanAbsoluteError",
        (REGRESSION,),
        "The mean of the absolute errors, in the label's unit.",
        higher_is_better=False,
    ),
    "root_mean_squared_error": Metric(
        "RootMeanSquaredError",
        (REGRESSION,),
        "The square root of the mean of the squared errors, in the label's unit.",
        higher_is_better=False,
    ),
    "r_squared": Metric(
        "R2Score",
        (REGRESSION,),
        "The coefficient of determination: 1 minus the sum of the squared errors, divided by the "
        "sum of the labels' squared distances from their mean. A model that always predicts "
        "that mean has 0; a worse one is negative.",
        undefined="all labels are equal",
    ),
    "squared_pearson_correlation": Metric(
        "SquaredPearsonCorrelation",
        (REGRESSION,),
        "The square of the correlation of label and prediction. A constant error does not "
        "change it, so use it together with an error metric.",
        undefined="all labels are equal, or all predictions",
    ),
    "example_count": Metric(
        "ExampleCount",
        (BINARY, MULTICLASS, REGRESSION),
        "The number of rows that were evaluated, whatever their weights are.",
        higher_is_better=None,
    ),
    "weighted_example_count": Metric(
        "WeightedExampleCount",
        (BINARY, MULTICLASS, REGRESSION),
        "The sum of the weights of the rows that were evaluated: the number of rows without "
        "`label.weight`.",
        higher_is_better=None,
    ),
}

DEFAULTS: dict[str, tuple[str, ...]] = {
    BINARY: ("auc", "binary_accuracy", "binary_crossentropy", "example_count"),
    MULTICLASS: ("accuracy", "crossentropy", "example_count"),
    REGRESSION: ("root_mean_squared_error", "mean_absolute_error", "example_count"),
}


def for_task(task: str) -> tuple[str, ...]:
    """The names of the metrics that fit `task`."""
    return tuple(name for name, metric in METRICS.items() if task in metric.tasks)
