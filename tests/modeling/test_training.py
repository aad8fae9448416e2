"""Training: repeatable, weighted, for each task."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from tests.modeling import harness
from tfx_pipeline.compat.autograph_rules import keras_not_converted
from tfx_pipeline.modeling import dataset, decisions
from tfx_pipeline.modeling.training import class_weights

pytestmark = pytest.mark.tensorflow

SCHEMA = """
feature { name: "x" type: FLOAT }
feature { name: "gone" type: FLOAT }
feature { name: "kind" type: BYTES }
feature { name: "species" type: BYTES }
feature { name: "mass" type: FLOAT }
"""
FEATURES = {
    "x": {"transform": "zscore"},
    "gone": {"transform": "buckets", "indicator": True},
    "kind": {"transform": "vocabulary"},
}


def _rows(count):
    """`species` and `mass` follow from x and kind; `gone` is always missing."""
    rng = np.random.default_rng(1)
    x, kind = rng.normal(size=count), rng.integers(0, 2, count)
    species = np.where(kind == 1, "Gentoo", np.where(x > 0, "Adelie", "Chinstrap"))
    return [
        {"x": float(a), "kind": "ab"[k], "species": str(s), "mass": float(4000 + 500 * a + 300 * k)}
        for a, k, s in zip(x, kind, species, strict=True)
    ]


def _trained(folder, label, rows, **training):
    config = {"features": FEATURES, "label": label}
    splits = {"train": rows, "eval": rows[:100]}
    transformed = harness.transform(folder, config, SCHEMA, splits)
    options = {"steps": 200, "batch_size": 64, "eval_every": 100, "learning_rate": 0.02}
    return harness.Server(harness.train(transformed, folder, **options, **training))


def test_equal_seeds_give_equal_models(taxi, taxi_rows, server, tmp_path):
    again = harness.Server(harness.train(taxi, tmp_path, **harness.SHORT))
    examples = [harness.example(row) for row in taxi_rows[600:]]
    one, two = (s.call("serving_default", examples=examples) for s in (server, again))
    assert (one["probabilities"] == two["probabilities"]).all()


def test_tensorboard_logs_are_written(taxi_model):
    logs = pathlib.Path(taxi_model).parent / "run"
    assert list(logs.rglob("events.out.tfevents*"))


def test_balanced_class_weights():
    labels = np.array([0, 0, 0, 1])
    assert class_weights(labels, "balanced", "binary") == pytest.approx({0: 2 / 3, 1: 2.0})
    assert class_weights(labels, "none", "binary") is None
    assert class_weights(labels, "balanced", "regression") is None


def test_balanced_class_weights_of_weighted_rows():
    labels, weights = np.array([0, 0, 1, 2]), np.array([1.0, 2.0, 6.0, 0.0])
    found = class_weights(labels, "balanced", "binary", weights)
    assert found == pytest.approx({0: 1.5, 1: 0.75, 2: 1.0})


def test_the_loss_is_weighted(tmp_path):
    """Without a usable feature the best constant is the weighted share, as in scikit-learn."""
    from sklearn.dummy import DummyClassifier

    rng = np.random.default_rng(2)
    rows = _rows(300)
    for row in rows:
        row["w"] = float(rng.integers(0, 3) * (3 if row["kind"] == "b" else 1))
    rows[0]["w"], rows[1]["w"] = -5.0, float("nan")  # refused at the gate; with warn they are 0
    config = {
        "features": {"gone": {"transform": "zscore"}},  # always missing
        "label": {"name": "kind", "task": "binary", "classes": ["a", "b"], "weight": "w"},
    }
    schema = SCHEMA + 'feature { name: "w" type: FLOAT }'
    transformed = harness.transform(tmp_path, config, schema, {"train": rows})
    weights = np.array([0, 0, *(row["w"] for row in rows[2:])])
    assert transformed.rows("train")["w"] == weights.tolist()
    linear = {"hidden_units": []}
    steps = {"steps": 200, "batch_size": 300, "eval_every": 200, "learning_rate": 0.05}
    folder = harness.train(transformed, tmp_path, linear, **steps)
    answer = harness.Server(folder).call("serving_default", examples=[harness.example({})])
    labels = [row["kind"] for row in rows]
    dummy = DummyClassifier(strategy="prior").fit(np.zeros([300, 1]), labels, weights)
    expected = dummy.predict_proba(np.zeros([1, 1]))[0]
    assert abs(expected[1] - np.mean(np.array(labels) == "b")) > 0.1
    assert answer["probabilities"][0] == pytest.approx(expected, abs=0.01)


def test_decided_classes_are_those_of_the_export(tmp_path):
    """Transform writes what it decided beside its graph, and the Trainer reads it there."""
    rows = [{**row, "kind": {"a": "low", "b": "high"}[row["kind"]]} for row in _rows(200)]
    label = {"name": "kind", "task": "binary", "positive": "low"}
    as_configured = {"label": label, "features": {"x": {"transform": "zscore"}}}
    found = decisions.decide(as_configured, {"high": 90, "low": 110}, {})
    assert found.classes.names == ("high", "low")
    assert found.classes.reason == 'the values in the training split; "low" is set as positive'
    config = {**found.sections}
    transformed = harness.transform(tmp_path, config, SCHEMA, {"train": rows})
    ids = {"high": 0, "low": 1}
    assert transformed.rows("train")["kind"] == [ids[row["kind"]] for row in rows]
    transformed.config["label"] = label
    decisions.write(transformed.graph, found.sections)
    server = harness.Server(harness.train(transformed, tmp_path, **harness.SHORT))
    answer = server.call("serving_default", examples=[harness.example(rows[0])])
    assert answer["classes"].tolist() == [[b"high", b"low"]]


def test_multiclass_with_classes_from_the_data(tmp_path):
    rows = _rows(400)
    unlabelled = [{k: v for k, v in rows[0].items() if k != "species"}]
    label = {"name": "species", "task": "multiclass"}
    server = _trained(tmp_path, label, rows + unlabelled, class_weights="balanced")
    answer = server.call("serving_default", examples=[harness.example(r) for r in rows])
    classes = answer["classes"][0].tolist()
    assert sorted(classes) == [b"Adelie", b"Chinstrap", b"Gentoo"]
    found = [classes[i].decode() for i in answer["probabilities"].argmax(axis=1)]
    assert np.mean([f == r["species"] for f, r in zip(found, rows, strict=True)]) > 0.9
    transformed = server.call("transform_features", examples=[harness.example(rows[0])])
    assert classes[transformed["species"][0, 0]].decode() == rows[0]["species"]


def test_regression_in_the_labels_own_unit(tmp_path):
    rows = _rows(400)
    server = _trained(tmp_path, {"name": "mass", "task": "regression"}, rows)
    examples = [harness.example(row) for row in rows]
    predictions = server.call("serving_default", examples=examples)["predictions"]
    assert np.abs(predictions - [row["mass"] for row in rows]).mean() < 100
    assert server.signatures["regress"].method_name == "tensorflow/serving/regress"
    assert (server.call("regress", inputs=examples)["outputs"] == predictions).all()


UNUSUAL_SCHEMA = """
feature { name: "Trip Miles (mi)" type: FLOAT PRESENT shape { dim { size: 1 } } }
feature { name: "a/b c" type: BYTES PRESENT shape { } }
feature { name: "1st: Größe" type: INT PRESENT shape { } int_domain { min: 0 max: 5 } }
feature { name: "the label?" type: BYTES }
""".replace("PRESENT", "presence { min_fraction: 1 min_count: 1 }")
UNUSUAL_FEATURES = {
    "Trip Miles (mi)": {"transform": "buckets", "buckets": 4, "indicator": True},
    "a/b c": {"transform": "vocabulary"},
    "1st: Größe": {"transform": "integer"},
}


def test_unusual_names_fixed_shapes_and_data_larger_than_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "MAX_BYTES_IN_MEMORY", 0)
    rows = [
        {"Trip Miles (mi)": i / 7, "a/b c": "xyz"[i % 3], "1st: Größe": i % 6, "the label?": label}
        for i, label in enumerate(["yes", "no", "no"] * 60)
    ]
    config = {"features": UNUSUAL_FEATURES, "label": {"name": "the label?", "task": "binary"}}
    transformed = harness.transform(tmp_path, config, UNUSUAL_SCHEMA, {"train": rows})
    linear = {"wide": False, "hidden_units": []}
    folder = harness.train(
        transformed, tmp_path, linear, **{**harness.SHORT, "learning_rate": 0.1, "steps": 100}
    )
    server = harness.Server(folder)
    examples = [harness.example(row) for row in rows]
    served = server.call("serving_default", examples=[*examples, b""])["probabilities"]
    found = (served[:-1, 1] > 0.5).tolist()
    assert found == [row["the label?"] == "yes" for row in rows]
    columns = {name: np.array([row[name] for row in rows]) for name in UNUSUAL_FEATURES}
    answer = server.call("columns", **columns)["probabilities"]
    assert answer == pytest.approx(served[:-1], abs=1e-6)


def test_autograph_rules_are_restored():
    from tensorflow.python.autograph.core import config

    from tfx_pipeline.compat.table import AUTOGRAPH_RULES

    before = config.CONVERSION_RULES
    with keras_not_converted():
        added = len(config.CONVERSION_RULES) > len(before)
        assert added is AUTOGRAPH_RULES.is_for_installed()
    assert config.CONVERSION_RULES is before
