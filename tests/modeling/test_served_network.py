"""The network as it is served computes what the trained one does."""

from __future__ import annotations

import collections

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tfx_pipeline.config.training import NumericEmbedding
from tfx_pipeline.modeling.numeric_embedding import embed_numbers, fit_numbers
from tfx_pipeline.modeling.served_network import served_network

pytestmark = pytest.mark.tensorflow

NAMES = ("a", "b", "c")


def _rows(*columns):
    return dict(zip(NAMES, np.array(columns, np.float32)[:, :, np.newaxis]))


def _embedding(bins, *columns):
    """A model of embedded numbers with random vectors, fitted to the columns."""
    inputs = {name: tf_keras.Input((1,), name=name) for name in NAMES[: len(columns)]}
    embedded = embed_numbers(list(inputs.values()), NumericEmbedding(bins=bins, size=3))
    model = tf_keras.Model(inputs, embedded)
    fit_numbers(model, _rows(*columns))
    kernel, bias = model.get_layer("numbers_embedded").get_weights()
    rng = np.random.default_rng(1)
    model.get_layer("numbers_embedded").set_weights(
        [rng.normal(size=kernel.shape), rng.normal(size=bias.shape)]
    )
    return model


def _operations(model):
    specs = {k: tf.TensorSpec([None, *v.shape[1:]], v.dtype) for k, v in model.input.items()}
    traced = tf.function(model, autograph=False).get_concrete_function(specs)
    return collections.Counter(operation.type for operation in traced.graph.get_operations())


def test_numbers_are_looked_up():
    rng = np.random.default_rng(2)
    often = np.where(rng.random(500) < 0.8, 0.0, rng.gamma(2.0, size=500))
    columns = often, rng.integers(0, 3, 500), np.full(500, 4.0)
    model = _embedding(16, *columns)
    served = served_network(model)
    assert "Einsum" in _operations(model)
    assert "Einsum" not in _operations(served)
    # Values of the training, which edges of bins are; between and outside them; none at all.
    around = rng.normal(size=500), rng.normal(size=500), rng.normal(4.0, size=500)
    far = [3e38, -3e38, 1e9], [-1e9, 0.5, 3e38], [0.0, 4.0, -3e38]
    for rows in (_rows(*columns), _rows(*around), _rows(*far), _rows([], [], [])):
        for found, expected in zip(served(rows), model(rows)):
            assert found.shape == expected.shape
            assert found.numpy() == pytest.approx(expected.numpy(), abs=1e-5, nan_ok=True)


def test_bins_that_overlap_are_not_looked_up():
    """Values nearer to each other than the least width of a bin."""
    model = _embedding(8, [0.0, 1.0, 1.000001, 2.0, 3.0])
    assert served_network(model) is model


def test_a_network_of_the_users_own_that_reads_the_shares():
    model = _embedding(8, [0.0, 1.0, 2.0, 3.0])
    shares = model.get_layer("numbers_shares").output
    shown = tf_keras.Model(model.input, [*model.output, shares])
    assert served_network(shown) is shown
    twice = tf_keras.Model(model.input, [*model.output, tf_keras.layers.Flatten()(shares)])
    assert served_network(twice) is twice


def _ensemble(units):
    inputs = {"x": tf_keras.Input((6,), name="x")}
    members = tf_keras.layers.Reshape((3, 2))(inputs["x"])
    dense = tf_keras.layers.EinsumDense("bmh,mhu->bmu", (3, units), bias_axes="mu", name="deep")
    return tf_keras.Model(inputs, dense(members))


@pytest.mark.parametrize("units", [1, 2])
def test_members_of_an_ensemble(units):
    model = _ensemble(units)
    rng = np.random.default_rng(3)
    weights = [rng.normal(size=w.shape) for w in model.get_weights()]
    model.set_weights(weights)
    served = served_network(model)
    assert ("Einsum" in _operations(served)) == (units > 1)
    rows = {"x": rng.normal(size=(20, 6)).astype(np.float32)}
    assert served(rows).numpy() == pytest.approx(model(rows).numpy(), abs=1e-5)


def test_one_hot_vectors_and_shapes():
    """As of an Embedding whose weights are not trained; others are looked up as before."""
    inputs = {"x": tf_keras.Input((1,), name="x", dtype=tf.int64)}
    vectors = [
        tf_keras.layers.Embedding(4, width, embeddings_initializer=kind, trainable=trained)
        for width, kind, trained in (
            (4, "identity", False),
            (4, "identity", True),
            (4, "uniform", False),
            (3, "identity", False),
        )
    ]
    found = [layer(inputs["x"]) for layer in vectors]
    reshaped = tf_keras.layers.Reshape((2, 2))(found[0])
    free = tf_keras.layers.Reshape((-1, 2))(found[1])
    model = tf_keras.Model(inputs, [reshaped, free, *found])
    served = served_network(model)
    found, expected = _operations(served), _operations(model)
    assert found["OneHot"] == 1
    assert found["ResourceGather"] == expected["ResourceGather"] - 1 == 3
    assert (found["Shape"], expected["Shape"]) == (1, 2)
    for rows in ([[0], [3], [1]], np.zeros((0, 1))):
        x = {"x": tf.constant(rows, tf.int64)}
        for one, other in zip(served(x), model(x)):
            assert (one.shape, one.dtype) == (other.shape, other.dtype)
            assert (one == other).numpy().all()


class _InPython(tf_keras.Model):
    def __init__(self):
        super().__init__()
        self.shaped = tf_keras.layers.Reshape((1, 1))

    def call(self, inputs):
        return self.shaped(inputs["x"])


def test_other_models_stay_as_they_are():
    inputs = {"x": tf_keras.Input((1,), name="x")}
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(2)(inputs["x"]))
    assert served_network(model) is model
    model = _InPython()
    model(inputs)
    assert served_network(model) is model
