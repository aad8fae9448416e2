"""Training with and without the patches of AutoGraph and Keras gives the same model."""

from __future__ import annotations

import numpy as np
import pytest

from tfx_pipeline.config import environment

pytestmark = pytest.mark.tensorflow


def weights_after_training() -> list[np.ndarray]:
    """Trains a small regression for 3 epochs of 7 batches, 5 steps an execution."""
    import tensorflow as tf
    import tf_keras

    from tfx_pipeline.compat.autograph_rules import keras_not_converted
    from tfx_pipeline.compat.graph_training import functional_model

    tf_keras.utils.set_random_seed(3)
    rows = np.random.default_rng(1).normal(size=(70, 4)).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((rows, rows.sum(axis=1))).batch(10).repeat()
    with keras_not_converted():
        inputs = tf_keras.Input([4])
        hidden = tf_keras.layers.Dense(8, activation="relu")(inputs)
        model = functional_model(inputs, tf_keras.layers.Dense(1)(hidden), name="small")
        model.compile("adam", "mse", metrics=["mae"], steps_per_execution=5)
        history = model.fit(data, epochs=3, steps_per_epoch=7, verbose=0)
        losses = model.evaluate(data, steps=7, verbose=0, return_dict=True)
    assert history.history["loss"][-1] < history.history["loss"][0]
    return [*model.get_weights(), np.array([losses["loss"], losses["mae"]])]


@pytest.mark.parametrize("switched_off", ["1", "keras.training-loop", "tensorflow.autograph-rules"])
def test_weights_and_metrics_are_those_of_stock_keras(monkeypatch, switched_off):
    monkeypatch.setenv(environment.PLAIN, "0")
    ours = weights_after_training()
    monkeypatch.setenv(environment.PLAIN, switched_off)
    stock = weights_after_training()
    for one, other in zip(ours, stock):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """The folder of a transform graph."""
    from tests.components.transform.test_transform import transform

    return transform(tmp_path_factory.mktemp("transform"))[0]


def served(graph, folder) -> list[np.ndarray]:
    """What a model with a Python `if` over tensors, and with the graph, answers once saved."""
    import tensorflow as tf
    import tensorflow_transform as tft

    from tfx_pipeline.compat.autograph_rules import transform_not_converted

    holder = tf.Module()
    holder.layer = tft.TFTransformOutput(graph).transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, name="fare")])
    def serve(fare):
        if tf.reduce_any(fare > 100.0):
            fare = fare / 2.0
        shape = tf.shape(fare)
        raw = {"fare": fare, "kind": tf.fill(shape, "kind1"), "label": tf.zeros(shape, tf.int64)}
        return {"fare": holder.layer(raw)["fare"]}

    with transform_not_converted():
        tf.saved_model.save(holder, folder, signatures={"serving_default": serve})
    loaded = tf.saved_model.load(folder).signatures["serving_default"]
    return [loaded(tf.constant([[1.0], [last]]))["fare"].numpy() for last in (50.0, 200.0)]


def test_a_transform_graph_is_exported_alike_and_the_users_code_is_converted(
    graph, tmp_path, monkeypatch
):
    monkeypatch.setenv(environment.PLAIN, "0")
    ours = served(graph, str(tmp_path / "ours"))
    monkeypatch.setenv(environment.PLAIN, "1")
    stock = served(graph, str(tmp_path / "stock"))
    np.testing.assert_array_equal(ours, stock)
    assert ours[0][0] > ours[1][0], "the second batch is halved"


def test_keras_is_on_no_list_of_tensorflows_own():
    """Then the rules would no longer be needed, as from TensorFlow 2.21 on."""
    from tensorflow.python.autograph.core import config

    from tfx_pipeline.compat.table import AUTOGRAPH_RULES

    names = [getattr(rule, "_prefix", "") for rule in config.CONVERSION_RULES]
    assert "keras" in names
    assert ("tf_keras" in names) is not AUTOGRAPH_RULES.is_for_installed()
    assert not {"tensorflow_transform", "tfx_bsl"} & {*names}
