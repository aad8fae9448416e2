"""The export's answers beside those of Transform and the Keras model that was trained."""

from __future__ import annotations

import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras
from tfx.types import standard_artifacts

from tests.components import harness
from tests.components.export_check.findings import rules
from tfx_pipeline.compat.autograph_rules import keras_not_converted

pytestmark = pytest.mark.tensorflow


def keras_model(folder, graph, factor: float, save_traces: bool = True):
    """A Keras model on transformed features; its export multiplies miles by `factor` first."""
    inputs = {name: tf_keras.Input((1,), name=name) for name in ("miles_z", "rome")}
    hidden = tf_keras.layers.Dense(4, "relu")(tf_keras.layers.Concatenate()(list(inputs.values())))
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(2, "softmax")(hidden))
    model.transform = tft.TFTransformOutput(str(graph)).transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        raw = tf.io.parse_example(
            examples,
            {
                "miles": tf.io.FixedLenFeature([1], tf.float32, [0.0]),
                "hour": tf.io.VarLenFeature(tf.int64),
                "city": tf.io.VarLenFeature(tf.string),
            },
        )
        transformed = model.transform({**raw, "miles": harness.clean(raw["miles"]) * factor})
        return {"probabilities": model({name: transformed[name] for name in inputs})}

    target = folder / "Format-Serving"
    with keras_not_converted():
        model.save(
            target,
            save_format="tf",
            save_traces=save_traces,
            signatures={"serving_default": serve},
        )
    return harness.artifact(standard_artifacts.Model, folder)


@pytest.mark.parametrize("save_traces", [False, True])
def test_an_export_that_preprocesses_as_in_training_is_blessed(check, tmp_path, graph, save_traces):
    assert check(keras_model(tmp_path / "model", graph, 1.0, save_traces), graph)[1] == []
    assert check.notes == ""


@pytest.mark.parametrize("save_traces", [False, True])
def test_an_export_that_preprocesses_otherwise_is_refused(check, tmp_path, graph, save_traces):
    _, findings = check(keras_model(tmp_path / "model", graph, 1.01, save_traces), graph)
    assert rules(findings) == {"serving_default": {"same answer as Transform and model"}}


@pytest.mark.parametrize(
    ("graph_name", "note"),
    [(None, "there is no transform_graph"), ("missing", "Transform's graph: ")],
)
def test_a_comparison_that_is_not_possible_is_a_note(check, tmp_path, graph_name, note):
    graph = graph_name and tmp_path / graph_name
    assert check(harness.save(tmp_path / "model", harness.Scoring()), graph)[1] == []
    assert "not compared with Transform and model" in check.notes
    assert note in check.notes


def test_a_model_that_is_no_keras_model_is_a_note(check, tmp_path, graph):
    assert check(harness.save(tmp_path / "model", harness.Scoring()), graph)[1] == []
    assert "the model: " in check.notes
