"""Metrics of the eval split, beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from tfx_pipeline.config.training import STOPPING_METRICS
from tfx_pipeline.modeling import eval_metrics


@pytest.fixture(params=[False, True], ids=["plain", "weighted"])
def rows(request):
    rng = np.random.default_rng(3)
    # Rounded, so that predictions are equal for some rows.
    logits = np.round(rng.normal(size=[500, 3, 1]), 1)
    labels = (logits.mean(axis=(1, 2)) + rng.normal(size=500) > 0).astype(np.int64)
    return logits, labels, rng.integers(0, 4, 500) if request.param else None


def test_metrics_are_those_of_scikit_learn(rows):
    logits, labels, weights = rows
    predicted = eval_metrics.member_mean(logits, "binary")
    members = 1 / (1 + np.exp(-logits[:, :, 0]))
    assert predicted[:, 1] == pytest.approx(members.mean(axis=1))
    expected = metrics.roc_auc_score(labels, predicted[:, 1], sample_weight=weights)
    assert eval_metrics.auc(predicted, labels, weights) == pytest.approx(expected)
    expected = metrics.log_loss(labels, predicted[:, 1], sample_weight=weights)
    assert eval_metrics.crossentropy(predicted, labels, weights) == pytest.approx(expected)
    found = predicted.argmax(axis=1)
    expected = metrics.accuracy_score(labels, found, sample_weight=weights)
    assert eval_metrics.accuracy(predicted, labels, weights) == pytest.approx(expected)


def test_errors_are_those_of_scikit_learn(rows):
    logits, labels, weights = rows
    predicted = eval_metrics.member_mean(logits, "regression")
    assert predicted == pytest.approx(logits.mean(axis=(1, 2)))
    for name, function in (
        ("mean_squared_error", metrics.mean_squared_error),
        ("root_mean_squared_error", metrics.root_mean_squared_error),
        ("mean_absolute_error", metrics.mean_absolute_error),
    ):
        found = eval_metrics.METRICS["regression"][name](predicted, labels, weights)
        assert found == pytest.approx(function(labels, predicted, sample_weight=weights))


def test_the_auc_of_one_class_is_one_half():
    predicted = np.array([[0.2, 0.8], [0.5, 0.5]])
    assert eval_metrics.auc(predicted, np.array([1, 1]), None) == 0.5


def test_the_configuration_names_the_same_metrics():
    for task, names in STOPPING_METRICS.items():
        assert {"loss", *names} == set(eval_metrics.METRICS[task])


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_of_logits_that_are_too_large_or_small(factor):
    rng = np.random.default_rng(4)
    logits = rng.normal(size=[20_000, 1])
    labels = (rng.random(20_000) < 1 / (1 + np.exp(-logits[:, 0]))).astype(np.int64)
    found = eval_metrics.fit_temperature(logits * factor, labels, None, "binary")
    assert found == pytest.approx(factor, rel=0.05)


def test_the_temperature_of_a_small_split_without_an_error():
    logits, labels = np.array([[3.0], [-3.0]] * 10), np.array([1, 0] * 10)
    assert 0.5 < eval_metrics.fit_temperature(logits, labels, None, "binary") < 1.5
