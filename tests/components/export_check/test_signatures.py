"""Signatures with other inputs or other answers, and those that need the label."""

from __future__ import annotations

import pytest
import tensorflow as tf

from tests.components import harness
from tests.components.export_check.findings import rules

pytestmark = pytest.mark.tensorflow


def test_columns_with_other_outputs_are_refused(check, tmp_path):
    good, other = harness.Scoring(), harness.Scoring(lambda raw: tf.sigmoid(raw["miles"] - 4))
    good.other = other
    model = harness.save(
        tmp_path / "model", good, serving_default=good.serve, columns=other.columns
    )
    _, findings = check(model)
    assert rules(findings) == {"columns": {"same answer as serving_default"}}


def test_an_export_without_serving_default_is_refused(check, tmp_path):
    module = harness.Scoring()
    _, findings = check(harness.save(tmp_path / "model", module, predict=module.serve))
    assert rules(findings) == {"model": {"has the signature serving_default"}}
    assert findings[0]["found"] == "it has predict"


def test_a_signature_that_takes_something_else_is_left_alone(check, tmp_path):
    module = harness.Scoring()
    module.add = tf.function(
        lambda x: {"y": x + module.weight}, input_signature=[tf.TensorSpec([2, 2], tf.float32)]
    )
    model = harness.save(tmp_path / "model", module, serving_default=module.serve, add=module.add)
    assert check(model)[1] == []


def _needs_label(module):
    """As `transform_features` of TFX's templates: it reads the label as well."""
    spec = {**harness.SPEC, harness.LABEL: tf.io.FixedLenFeature([], tf.int64)}
    signature = [tf.TensorSpec([None], tf.string, name="examples")]
    return tf.function(
        lambda examples: {"label": tf.io.parse_example(examples, spec)[harness.LABEL]},
        input_signature=signature,
    )


def test_a_signature_that_needs_the_label_gets_it(check, tmp_path):
    module = harness.Scoring()
    module.features = _needs_label(module)
    model = harness.save(
        tmp_path / "model", module, serving_default=module.serve, features=module.features
    )
    assert check(model)[1] == []


def test_clients_need_not_send_the_label(check, tmp_path):
    module = harness.Scoring()
    module.features = _needs_label(module)
    _, findings = check(harness.save(tmp_path / "model", module, serving_default=module.features))
    assert findings[0]["subject"] == "serving_default"
    assert f"Feature: {harness.LABEL}" in findings[0]["found"]
