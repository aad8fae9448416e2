"""Scales and bins of numbers."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tfx_pipeline.config.training import NumericEmbedding
from tfx_pipeline.modeling import dataset
from tfx_pipeline.modeling.numeric_embedding import embed_numbers, fit_numbers

pytestmark = pytest.mark.tensorflow


def _model(count, **settings):
    inputs = {f"x{i}": tf_keras.Input((1,), name=f"x{i}") for i in range(count)}
    embedded = embed_numbers(list(inputs.values()), NumericEmbedding(**settings))
    return tf_keras.Model(inputs, embedded)


def _columns(*columns):
    return {f"x{i}": np.array(c, np.float32)[:, np.newaxis] for i, c in enumerate(columns)}


def test_scaled_by_median_and_quartiles_and_clipped_smoothly():
    model = _model(1, type="none")
    fit_numbers(model, _columns([0.0, 10.0, 20.0, 30.0, 1e6]))
    found = model.predict(_columns([20.0, 30.0, 0.0, 1e6]), verbose=0)
    found = np.array(found).reshape(-1)
    assert found[0] == 0
    assert found[1] == pytest.approx(0.5 / np.sqrt(1 + (0.5 / 3) ** 2))
    assert found[2] == pytest.approx(-1 / np.sqrt(1 + 1 / 9))
    assert found[3] == pytest.approx(3, abs=1e-3)


def test_a_piecewise_linear_function_of_each_column():
    bins = 8
    model = _model(3, bins=bins, size=2)
    rng = np.random.default_rng(5)
    # One value in nine of ten rows; few values; a constant.
    often = np.where(rng.random(2000) < 0.9, 0.0, rng.gamma(2.0, size=2000))
    fit_numbers(model, _columns(often, rng.integers(0, 3, 2000), np.full(2000, 4.0)))
    shares = tf_keras.Model(model.input, model.get_layer("numbers_shares").output)

    def of(*row):
        return shares.predict(_columns(*[[value] for value in row]), verbose=0)[0].T

    low, high = of(0.0, 0.0, 4.0), of(1e9, 1e9, 4.0)
    assert (low == 0).all()
    assert high[0].sum() >= bins - 1  # nearly as many bins as asked for, though most are 0
    assert high[1].tolist() == [1, 1] + [0] * (bins - 2)
    assert of(0, 1, 4.0)[1].tolist() == [1, 0] + [0] * (bins - 2)
    assert of(0, 1.5, 4.0)[1, :2].tolist() == [1, 0.5]
    assert high[2].tolist() == [0] * bins
    steps = np.array([of(value, 0.0, 4.0)[0].sum() for value in np.linspace(0, often.max(), 50)])
    assert (np.diff(steps) > 0).all()
    assert tf.reduce_all(tf.math.is_finite(model(_columns([3e38], [-3e38], [0.0]))[1]))


def test_scales_of_a_large_split_are_found_in_rows_spread_over_it(monkeypatch):
    monkeypatch.setattr(dataset, "_SHUFFLE_ROWS", 10)
    values = tf.range(25, dtype=tf.float32)[:, tf.newaxis]
    split = dataset.Split(tf.data.Dataset.range(0), tf.identity, ({"x": values}, values))
    assert split.sample()["x"][:, 0].tolist() == [0, 3, 6, 9, 12, 15, 18, 21, 24]


def test_a_periodic_function_of_each_column_is_learned():
    """Each column has frequencies and vectors of its own; a wave is learned by its own column."""
    tf_keras.utils.set_random_seed(3)
    rng = np.random.default_rng(6)
    rows = _columns(rng.uniform(-1, 1, 3000), rng.uniform(-1, 1, 3000))
    wave = np.sin(9 * rows["x0"])
    losses = {}
    for kind in ("periodic", "none"):
        model = _model(2, type=kind, bins=16, size=4, frequency_std=1.0)
        fit_numbers(model, rows)
        answer = tf_keras.layers.Dense(1)(tf.concat(model.output, axis=-1))
        trained = tf_keras.Model(model.input, answer)
        trained.compile(tf_keras.optimizers.Adam(0.02), "mse")
        losses[kind] = trained.fit(rows, wave, 64, epochs=8, verbose=0).history["loss"][-1]
    assert losses["none"] > 0.3  # a straight line cannot follow it
    assert losses["periodic"] < 0.05


def test_periodic_vectors_have_one_column_each_and_no_limits():
    tf_keras.utils.set_random_seed(3)
    model = _model(3, type="periodic", bins=5, size=8)
    fit_numbers(model, _columns([0.0, 1.0, 2.0], [5.0, 5.0, 5.0], [1e9, 2e9, 3e9]))
    (scaled, vectors), (_, other) = (
        model(_columns([value], [5.0], [-3e38])) for value in (1.0, 2.0)
    )
    assert (scaled.shape, vectors.shape) == ((1, 3), (1, 24))
    assert np.isfinite(vectors).all()
    changed = (vectors != other).numpy().reshape(3, 8)
    assert changed[0].any()
    assert not changed[1:].any()
