"""Metrics from scores and labels, equal to those of scikit-learn and TFMA."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from sklearn import metrics as sklearn_metrics

from tests.components import harness
from tests.components.evaluator.evaluating import ALL_BINARY, LABELS, ROWS
from tfx_pipeline.components.evaluator import metric_accumulators, plots
from tfx_pipeline.components.evaluator.eval_config import eval_config
from tfx_pipeline.components.evaluator.metric_accumulators import (
    BinaryAccumulator,
    MulticlassAccumulator,
    RegressionAccumulator,
)

pytestmark = pytest.mark.tensorflow


def test_metrics_are_those_of_tfma(tmp_path):
    """The definitions of the classes that the configuration names, on unusual data as well."""
    frame_label, frame_p = np.array(LABELS[:300], float), harness.probabilities(ROWS[:300])
    config = eval_config("label", "binary", ALL_BINARY, [])
    config.model_specs[0].prediction_key = "prediction"
    data = pd.DataFrame({"label": frame_label, "prediction": frame_p})
    stock = tfma.analyze_raw_data(data, config).slicing_metrics[0][1][""][""]
    stock = {name: value["doubleValue"] for name, value in stock.items()}
    ours = BinaryAccumulator.from_rows(frame_label, frame_p).metrics()
    assert ours == pytest.approx(stock, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_weighted_multiclass_and_regression_are_those_of_scikit_learn(seed):
    random = np.random.default_rng(seed)
    weights = random.exponential(size=200) * (random.random(200) > 0.1)
    each, half = {"sample_weight": weights}, slice(0, 90)
    rest = slice(90, 200)
    ids, p = random.integers(3, size=200), random.dirichlet([1, 1, 1], 200)
    one, two = (MulticlassAccumulator.from_rows(ids[s], p[s], weights[s]) for s in (half, rest))
    assert one.merged(two).metrics() == pytest.approx(
        {
            "accuracy": sklearn_metrics.accuracy_score(ids, p.argmax(axis=1), **each),
            "crossentropy": sklearn_metrics.log_loss(ids, p, **each),
            "example_count": 200,
            "weighted_example_count": weights.sum(),
        }
    )
    y = random.normal(1e6, 3, 200)
    z = y + random.normal(size=200)
    one, two = (RegressionAccumulator.from_rows(y[s], z[s], weights[s]) for s in (half, rest))
    found = one.merged(two).metrics()
    squared = sklearn_metrics.mean_squared_error(y, z, **each)
    x, z_centred = (v - np.average(v, weights=weights) for v in (y, z))
    covariance, variances = weights @ (x * z_centred), (weights @ x**2) * (weights @ z_centred**2)
    assert found == pytest.approx(
        {
            "mean_squared_error": squared,
            "mean_absolute_error": sklearn_metrics.mean_absolute_error(y, z, **each),
            "root_mean_squared_error": np.sqrt(squared),
            "r_squared": sklearn_metrics.r2_score(y, z, **each),
            "squared_pearson_correlation": covariance**2 / variances,
            "example_count": 200,
            "weighted_example_count": weights.sum(),
        }
    )
    nothing = RegressionAccumulator.from_rows(y[:2], z[:2], np.zeros(2))
    assert one.merged(nothing).metrics()["r_squared"] == one.metrics()["r_squared"]
    assert nothing.merged(one).metrics()["r_squared"] == pytest.approx(one.metrics()["r_squared"])


def test_weighted_metrics_are_those_of_tfma():
    label, p = np.array(LABELS[:300], float), harness.probabilities(ROWS[:300])
    weights = np.random.default_rng(5).exponential(size=300)
    names = {name: None for name in ALL_BINARY if name != "example_count"}
    config = eval_config("label", "binary", names, [], "weight")
    config.model_specs[0].prediction_key = "prediction"
    data = pd.DataFrame({"label": label, "prediction": p, "weight": weights})
    stock = tfma.analyze_raw_data(data, config).slicing_metrics[0][1][""][""]
    stock = {name: value["doubleValue"] for name, value in stock.items()}
    ours = BinaryAccumulator.from_rows(label, p, weights).metrics()
    del ours["example_count"]
    assert ours == pytest.approx(stock, abs=1e-3)


@pytest.mark.parametrize("weight", ["", "weight"])
def test_plots_are_those_of_tfma(weight):
    """Scores between the thousandths: TFMA counts in a histogram, we count rows."""
    random = np.random.default_rng(6)
    label, p = random.integers(2, size=300), (random.integers(1000, size=300) + 0.5) / 1000
    weights = random.exponential(size=300) if weight else np.ones(300)
    config = eval_config("label", "binary", {"auc": None}, [], weight or None)
    config.model_specs[0].prediction_key = "prediction"
    for name in ("ConfusionMatrixPlot", "CalibrationPlot"):
        config.metrics_specs[0].metrics.add(class_name=name)
    data = pd.DataFrame({"label": label.astype(float), "prediction": p, "weight": weights})
    stock = tfma.analyze_raw_data(data, config).plots[0][1][""][""]
    rows = BinaryAccumulator.from_rows(label, p, weights if weight else None)
    [(_, found)] = plots.of_slice(bool(weight), (), {"": rows})
    ours = {key.name: json_format.MessageToDict(plot) for key, plot in found.items()}
    confusion, calibration = ours["confusion_matrix_plot"], ours["calibration_plot"]
    for mine, theirs in (
        (confusion["matrices"], stock["confusionMatrixAtThresholds"]["matrices"]),
        (calibration["buckets"], stock["calibrationHistogramBuckets"]["buckets"]),
    ):
        assert len(mine) == len(theirs) > 1000
        for one, other in zip(mine, theirs, strict=True):
            one, other = ({k: float(v) for k, v in row.items()} for row in (one, other))
            assert one == pytest.approx(other, rel=1e-5, abs=1e-6, nan_ok=True)


def test_auc_of_rare_positives_is_exact():
    """All scores are below 1 %: with a fixed number of thresholds they would be equal."""
    random = np.random.default_rng(3)
    labels = (random.random(200_000) < 0.002).astype(int)
    scores = (0.002 * np.exp(random.normal(0, 0.5, 200_000) + 0.6 * labels)).astype(np.float32)
    found = BinaryAccumulator.from_rows(labels, scores).metrics()
    assert found["auc"] == pytest.approx(sklearn_metrics.roc_auc_score(labels, scores), abs=1e-9)
    assert found["binary_crossentropy"] == pytest.approx(
        sklearn_metrics.log_loss(labels, scores.astype(float)), rel=1e-6
    )


def test_beyond_the_bound_scores_are_rounded_to_16_bits(monkeypatch):
    random = np.random.default_rng(4)
    labels = random.integers(0, 2, 50_000)
    scores = 1e-4 * random.random(50_000) * (1 + labels)
    exact = BinaryAccumulator.from_rows(labels, scores)
    monkeypatch.setattr(metric_accumulators, "MOST_SCORES", 1000)
    rounded = BinaryAccumulator.from_rows(labels, scores)
    assert len(rounded.scores) < len(exact.scores)
    assert np.isin(rounded.scores, exact.scores).mean() < 1
    assert rounded.metrics()["auc"] == pytest.approx(exact.metrics()["auc"], abs=1e-5)


def test_merged_accumulators_of_parts_have_the_metrics_of_the_whole():
    random = np.random.default_rng(0)
    yes, p, x = random.integers(0, 2, 90), random.random(90), random.normal(1e6, 1, 90)
    three, many = random.integers(0, 3, 90), random.dirichlet([1, 1, 1], 90)
    for accumulator, labels, predictions in [
        (BinaryAccumulator, yes, p),
        (MulticlassAccumulator, three, many),
        (RegressionAccumulator, x, x + random.normal(0, 1, 90)),
    ]:
        whole = accumulator.from_rows(labels, predictions)
        parts = accumulator.from_rows(labels[:10], predictions[:10])
        for part in (slice(10, 11), slice(11, 90)):
            parts = parts.merged(accumulator.from_rows(labels[part], predictions[part]))
        assert parts.metrics() == pytest.approx(whole.metrics())


def test_regression_and_multiclass_metrics_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    x = random.normal(1e6, 2, 200)
    y = x + random.normal(0, 1, 200)
    found = RegressionAccumulator.from_rows(x, y).metrics()
    assert found["mean_squared_error"] == pytest.approx(sklearn_metrics.mean_squared_error(x, y))
    assert found["mean_absolute_error"] == pytest.approx(sklearn_metrics.mean_absolute_error(x, y))
    assert found["r_squared"] == pytest.approx(sklearn_metrics.r2_score(x, y))
    assert found["squared_pearson_correlation"] == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    ids, p = random.integers(0, 3, 200), random.dirichlet([1, 1, 1], 200)
    found = MulticlassAccumulator.from_rows(ids, p).metrics()
    assert found["accuracy"] == pytest.approx((p.argmax(axis=1) == ids).mean())
    assert found["crossentropy"] == pytest.approx(sklearn_metrics.log_loss(ids, p))
