"""The details that the Evaluator writes: slices, intervals, importance, weak slices."""

from __future__ import annotations

import json

import pytest

from tests.components import harness
from tests.components.evaluator.evaluating import ALL_BINARY, ROWS, found_metrics

pytestmark = pytest.mark.tensorflow


def details(evaluation):
    with open(f"{evaluation.uri}/details.json") as file:
        return json.load(file)


def test_details_have_every_slice_with_the_same_metrics_as_the_properties(
    evaluate, model, constant_model
):
    evaluation, _ = evaluate(
        model, ALL_BINARY, baseline=[constant_model], slices=[["city"], ["hour"]]
    )
    found = details(evaluation)
    overall, *slices = found["slices"]
    assert (found["task"], found["label"], overall["slice"]) == ("binary", "big", [])
    metrics = found_metrics(evaluation)
    assert {n: overall["candidate"]["metrics"][n] for n in metrics} == pytest.approx(metrics)
    assert overall["baseline"]["metrics"]["auc"] == 0.5
    low, high = overall["candidate"]["intervals"]["auc"]
    assert low < metrics["auc"] < high
    assert [s["slice"] for s in slices[:3]] == [[["city", c]] for c in ("Bath", "Oslo", "Rome")]
    assert sum(s["candidate"]["metrics"]["example_count"] for s in slices[3:]) == len(ROWS)
    assert "curves" in overall["candidate"]
    assert "curves" not in slices[0]["candidate"]


def test_rows_with_weights_have_no_intervals(evaluate, model, tmp_path):
    rows = [{**row, "w": 1.0 + row["hour"]} for row in ROWS[:200]]
    data = harness.examples(tmp_path / "weighted", rows)
    evaluation, _ = evaluate(model, {"auc": None}, data=data, weight="w")
    assert details(evaluation)["slices"][0]["candidate"]["intervals"] == {}


def test_the_importance_of_columns_is_that_of_the_model(evaluate, model, constant_model):
    evaluation, _ = evaluate(model, {"auc": None})
    found = details(evaluation)["importance"]
    assert set(found["columns"]) == {"miles", "hour", "city"}
    auc = {name: metrics["auc"] for name, metrics in found["columns"].items()}
    whole = found["metrics"]["auc"]
    assert found["metrics"]["example_count"] == 500
    assert auc["miles"] < whole - 0.1
    assert auc["city"] < whole - 0.01
    assert auc["hour"] == whole  # the model does not use it
    constant, _ = evaluate(constant_model, {"auc": None})
    for metrics in details(constant)["importance"]["columns"].values():
        assert metrics["auc"] == 0.5


def test_weak_slices_are_of_the_models_own_scores(evaluate, model, tmp_path):
    evaluation, _ = evaluate(model, {"auc": None})
    found = details(evaluation)["weak_slices"]
    assert found["loss"] == "binary_crossentropy"
    assert 0 < found["rows"] <= 4096
    assert found["tested"] > 0
    for of_slice in found["slices"]:
        assert of_slice["loss"] > of_slice["other_loss"]
        assert of_slice["metrics"]["binary_crossentropy"] == pytest.approx(of_slice["loss"])
