"""What the export check refuses, and what it lets pass."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from tests.components import harness
from tests.components.export_check.findings import ROWS, rules
from tfx_pipeline import errors
from tfx_pipeline.components.export_check import adversarial_rows, checks, executor
from tfx_pipeline.report import file_names

pytestmark = pytest.mark.tensorflow


def test_a_good_export_is_blessed_as_tfx_does(check, tmp_path):
    blessing, findings = check(harness.save(tmp_path / "model", harness.Scoring()))
    assert findings == []
    assert blessing.get_int_custom_property("blessed") == 1
    assert sorted(os.listdir(blessing.uri)) == ["INFRA_BLESSED", "export_check.json"]
    # What runs after it in the same process is optimized as before.
    assert not tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer")


def details(blessing) -> dict:
    with open(os.path.join(blessing.uri, file_names.EXPORT_CHECK)) as file:
        return json.load(file)


def test_what_was_checked_is_written_for_the_report(check, tmp_path):
    module = harness.Scoring()
    module.add = tf.function(
        lambda x: {"y": x + module.weight}, input_signature=[tf.TensorSpec([2, 2], tf.float32)]
    )
    model = harness.save(tmp_path / "model", module, serving_default=module.serve, add=module.add)
    blessing, _ = check(model)
    found = details(blessing)
    assert found["signatures"] == {"serving_default": ["probabilities"]}
    assert found["not_checked"] == ["add"]
    assert found["real_rows"] == min(64, len(ROWS))
    assert len(found["unusual_rows"]) > 5
    assert found["findings"] == []


def test_a_model_that_does_not_load_has_no_rows_but_findings(check, tmp_path):
    blessing, findings = check(harness.artifact(standard_artifacts.Model, tmp_path / "model"))
    found = details(blessing)
    assert (found["real_rows"], found["signatures"], found["findings"]) == (0, {}, findings)


def test_a_keras_3_export_is_refused(check, tmp_path):
    """It loads and answers in Python; in a server's session its variables are missing."""
    target = tmp_path / "model" / "Format-Serving"
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", KERAS_3, target], env=environment, check=True)
    in_python = tf.saved_model.load(str(target)).signatures["serving_default"]
    rows = tf.constant([harness.example(row) for row in ROWS[:2]])
    assert in_python(examples=rows)["probabilities"].shape == (2, 2)
    model = harness.artifact(standard_artifacts.Model, tmp_path / "model")
    blessing, findings = check(model)
    assert blessing.get_int_custom_property("blessed") == 0
    assert "INFRA_NOT_BLESSED" in os.listdir(blessing.uri)
    assert "INFRA_BLESSED" not in os.listdir(blessing.uri)
    (found,) = (f["found"] for f in findings if "Could not find variable" in f["found"])
    assert "set TF_USE_LEGACY_KERAS=1" in found


KERAS_3 = """
import sys
import tensorflow as tf

assert tf.keras.__version__.startswith("3.")
model = tf.keras.Sequential([tf.keras.layers.Input((1,)), tf.keras.layers.Dense(1)])

@tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
def serve(examples):
    spec = {"miles": tf.io.FixedLenFeature([], tf.float32, 0.0)}
    yes = tf.sigmoid(model(tf.io.parse_example(examples, spec)["miles"][:, None]))
    return {"probabilities": tf.concat([1 - yes, yes], axis=1)}

model.serve = serve
tf.saved_model.save(model, sys.argv[1], signatures={"serving_default": serve})
"""


def asserting(raw):
    """As tf.keras' CategoryEncoding: one unusual value fails the whole request."""
    with tf.control_dependencies([tf.debugging.assert_less(raw["hour"], tf.int64.max)]):
        return tf.sigmoid(harness.clean(raw["miles"]))


def not_finite(raw):
    return tf.sigmoid(tf.math.log(harness.clean(raw["miles"]) + 1e6) * 0 + raw["miles"] * 0)


def by_neighbours(raw):
    miles = harness.clean(raw["miles"])
    return tf.sigmoid(miles - tf.reduce_mean(miles))


@pytest.mark.parametrize(
    ("yes", "rule", "found"),
    [
        (asserting, "answers every row", "hour largest"),
        (not_finite, "probabilities are finite", "and 4 more rows: [nan nan]"),
        (lambda raw: harness.clean(raw["miles"]), "probabilities are between 0 and 1", "row 1"),
        (by_neighbours, "same answer alone and in a batch", "probabilities of"),
        (lambda raw: tf.sigmoid(raw["miles"])[:1], "one result for each row", "[1, 2]"),
    ],
)
def test_an_export_that_answers_badly_is_refused(check, tmp_path, yes, rule, found):
    module = harness.Scoring(yes)
    blessing, findings = check(
        harness.save(tmp_path / "model", module, serving_default=module.serve)
    )
    assert blessing.get_int_custom_property("blessed") == 0
    matching = [f["found"] for f in findings if f["rule"] == rule]
    assert matching, findings
    assert found in matching[0]


def test_a_folder_without_a_model_is_refused(check, tmp_path):
    model = harness.artifact(standard_artifacts.Model, tmp_path / "model")
    _, findings = check(model)
    assert rules(findings) == {"model": {"loads in a graph session"}}


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        (1.0, np.inf, "y of a row: [1.] and [inf]"),
        (np.inf, 1.0, "y of a row: [inf] and [1.]"),
        (np.inf, -np.inf, "y of a row: [inf] and [-inf]"),
        (np.inf, np.inf, ""),
        (np.nan, np.nan, ""),
        (1.0, 1.0001, "y of a row: [1.] and [1.0001]"),
        (1.0, 1.000001, ""),
    ],
)
def test_numbers_of_a_real_row_may_differ_by_rounding_only(left, right, found):
    row = adversarial_rows.Row("a row", tf.train.Example(), real=True)
    outputs = {"y": np.array([[left]])}, {"y": np.array([[right]])}
    assert checks.difference(*outputs, [row]) == found


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        ([90_000.0, 270.59375], [90_000.0, 270.59863], ""),  # seven digits of 90,000
        ([90_000.0, 270.0], [90_000.0, 272.0], "predictions of row 2: [270.] and [272.]"),
        ([0.04, 0.02], [0.04, 0.020005], "predictions of row 2: [0.02] and [0.020005]"),
        ([0.04, 0.02], [0.04, 0.0200001], ""),
        ([0.0, 0.0], [0.0, 1e-8], ""),
    ],
)
def test_predictions_are_compared_in_the_unit_of_the_label(left, right, found):
    rows = [adversarial_rows.Row(f"row {n}", tf.train.Example(), real=True) for n in (1, 2)]
    one, other = ({"predictions": np.array(values)[:, None]} for values in (left, right))
    assert checks.difference(one, other, rows) == found


def test_without_rows_nothing_can_be_said(check, tmp_path, monkeypatch):
    model = harness.save(tmp_path / "model", harness.Scoring())
    monkeypatch.setattr(executor.example_files, "head", lambda *_: [])
    with pytest.raises(errors.NodeError, match="no rows"):
        check(model)


def test_unusual_rows_are_sent_without_a_schema_too_unless_switched_off(check, tmp_path):
    module = harness.Scoring(asserting)
    model = harness.save(tmp_path / "model", module, serving_default=module.serve)
    _, findings = check(model, schema=False)
    assert findings[0]["found"].startswith("hour largest: ")
    assert check(model, schema=False, unusual_rows=0)[1] == []


def test_a_split_that_is_not_there_is_named(check, tmp_path):
    model = harness.save(tmp_path / "model", harness.Scoring())
    with pytest.raises(errors.NodeError, match="no split 'evil'"):
        check(model, split="evil")
