"""What TFMA's `render_plot` draws: the confusion matrix at each threshold, and calibration.

They are of all rows of a binary classification, with the thresholds and buckets of TFMA's
`ConfusionMatrixPlot` and `CalibrationPlot`, and exact counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from google.protobuf.message import Message
from tensorflow_model_analysis.metrics import binary_confusion_matrices, metric_types
from tensorflow_model_analysis.proto import metrics_for_slice_pb2

from tfx_pipeline.components.evaluator.metric_accumulators import Accumulator, BinaryAccumulator
from tfx_pipeline.components.evaluator.slicing import SliceKey

_STEPS = 1000
_CONFUSION, _CALIBRATION = "confusion_matrix_plot", "calibration_plot"  # TFMA's names


def of_slice(
    weighted: bool, key: SliceKey, accumulators: Mapping[str, Accumulator]
) -> Iterator[tuple[SliceKey, dict[metric_types.PlotKey, Message]]]:
    """The plots of each model by TFMA's keys; none for a slice of the rows, or another task."""
    plots: dict[metric_types.PlotKey, Message] = {}
    for model, rows in accumulators.items():
        if key or not isinstance(rows, BinaryAccumulator) or not len(rows.scores):
            continue
        for name, plot in ((_CONFUSION, _confusion(rows)), (_CALIBRATION, _calibration(rows))):
            plot_key = metric_types.PlotKey(name, model_name=model, example_weighted=weighted)
            plots[plot_key] = plot
    if plots:
        yield key, plots


def _confusion(rows: BinaryAccumulator) -> metrics_for_slice_pb2.ConfusionMatrixAtThresholds:
    """The counts above each thousandth; the first threshold is below all scores."""
    thresholds = np.concatenate([[-1e-6], np.arange(_STEPS + 1) / _STEPS])
    sums = np.concatenate([np.zeros((1, 2)), np.cumsum(rows.counts, axis=0)])
    below = sums[np.searchsorted(rows.scores.astype(np.float64), thresholds, side="right")]
    above = sums[-1] - below
    matrices = binary_confusion_matrices.Matrices(
        thresholds=thresholds.tolist(),
        tp=above[:, 1],
        fp=above[:, 0],
        tn=below[:, 0],
        fn=below[:, 1],
    )
    with np.errstate(invalid="ignore", divide="ignore"):  # rates of no rows are NaN
        return matrices.to_proto().confusion_matrix_at_thresholds


def _calibration(rows: BinaryAccumulator) -> metrics_for_slice_pb2.CalibrationHistogramBuckets:
    """Rows, labels and predictions in buckets of a thousandth; the last one begins at 1."""
    scores = rows.scores.astype(np.float64)
    edges = np.concatenate([[-np.inf], np.arange(_STEPS + 1) / _STEPS, [np.inf]])
    at = np.searchsorted(edges, scores, side="right") - 1
    each = rows.counts.sum(axis=1)
    examples, labels, predictions = (
        np.bincount(at, values, len(edges) - 1)
        for values in (each, rows.counts[:, 1], scores * each)
    )
    result = metrics_for_slice_pb2.CalibrationHistogramBuckets()
    for i in range(len(examples)):
        result.buckets.add(
            lower_threshold_inclusive=edges[i],
            upper_threshold_exclusive=edges[i + 1],
            num_weighted_examples={"value": examples[i]},
            total_weighted_label={"value": labels[i]},
            total_weighted_refined_prediction={"value": predictions[i]},
        )
    return result
