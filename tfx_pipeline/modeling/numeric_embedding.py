"""Numbers in the network: scaled robustly, and embedded piecewise linearly or periodically.

All columns are done at once, so that the exported graph stays small. The layers are Keras'
own: a saved model needs no class of this library.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tfx_pipeline.config.training import NumericEmbedding

layers = tf_keras.layers

_SCALE, BINS = "numbers_scaled", "numbers_bins"
PIECEWISE_LINEAR = ("numbers_repeated", BINS, "numbers_shares", "numbers_embedded")
"""The layers of the piecewise linear embedding, from scaled numbers to vectors."""

_CLIP = 3.0
"""Robust deviations at which the smooth clip has taken three tenths of a value."""
UNUSED_EDGE = 3e38
"""An edge that no value reaches, near float32's end: of columns with fewer values than bins."""
_LEAST_WIDTH = 1e-5


def embed_numbers(numbers: list[Any], config: NumericEmbedding) -> list[Any]:
    """Encodes numbers for the network.

    Args:
      numbers: Keras tensors float32 [batch, 1].
      config: with values for all keys.

    Returns:
      The scaled numbers, [batch, n], and perhaps their embeddings, [batch, n * size]. Both
      need `fit_numbers` before the training.
    """
    count = len(numbers)
    joined = layers.Concatenate(name="numbers")(numbers) if count > 1 else numbers[0]
    scaled = layers.Normalization(axis=-1, name=_SCALE)(joined)
    encoded = [scaled / tf.sqrt(1.0 + tf.square(scaled / _CLIP))]
    if config.type == "none":
        return encoded
    if config.type == "periodic":
        embedded = _periodic(encoded[0], count, config)
    else:
        embedded = _piecewise_linear(scaled, count, config)
    return [*encoded, layers.Flatten(name="numbers_flat")(embedded)]


def _piecewise_linear(scaled: Any, count: int, config: NumericEmbedding) -> Any:
    """The vectors of all columns, [batch, n, size]."""
    bins, size = config.bins or 2, config.size or 1
    # Of each bin, the share that lies below the value: 0 below the bin, 1 above it.
    shares = layers.RepeatVector(bins, name="numbers_repeated")(scaled)
    shares = layers.Normalization(axis=(1, 2), name=BINS)(shares)
    shares = layers.ReLU(max_value=1.0, name="numbers_shares")(shares)
    return layers.EinsumDense(
        "btn,tnd->bnd",
        (count, size),
        bias_axes="nd",
        kernel_initializer=tf_keras.initializers.RandomUniform(-(bins**-0.5), bins**-0.5),
        name="numbers_embedded",
    )(shares)


def _periodic(scaled: Any, count: int, config: NumericEmbedding) -> Any:
    """The vectors of all columns, [batch, n, size]: a layer for each column of its waves.

    As in "On Embeddings for Numerical Features in Tabular Deep Learning" (Gorishniy et al., 2022).
    """
    frequencies, size = config.bins or 2, config.size or 1
    periods = layers.EinsumDense(
        "bn,nf->bnf",
        (count, frequencies),
        kernel_initializer=tf_keras.initializers.RandomNormal(stddev=config.frequency_std),
        name="numbers_periods",
    )(scaled)
    waves = tf.concat([tf.sin(2 * math.pi * periods), tf.cos(2 * math.pi * periods)], axis=-1)
    limit = (2 * frequencies) ** -0.5
    return layers.EinsumDense(
        "bnf,nfd->bnd",
        (count, size),
        bias_axes="nd",
        activation="relu",
        kernel_initializer=tf_keras.initializers.RandomUniform(-limit, limit),
        name="numbers_embedded",
    )(waves)


def fit_numbers(model: tf_keras.Model, columns: dict[str, np.ndarray]) -> None:
    """Sets scales and bins by the rows of the training split.

    Args:
      model: a model with the layers of `embed_numbers`; others are left as they are.
      columns: the values of its inputs, [rows, 1] each.
    """
    found = {layer.name: layer for layer in model.layers}
    if _SCALE not in found:
        return
    # Called once, as it is: to trace a function of it would take longer.
    numbers = tf_keras.Model(model.input, found[_SCALE].input)(columns).numpy()
    medians, scales = map(np.array, zip(*map(_robust_scale, numbers.T), strict=True))
    _set_normalization(found[_SCALE], medians, scales)
    if BINS not in found:
        return
    scaled = (numbers - medians) / scales
    bins = found[BINS].input_shape[1]
    starts, widths = zip(*(_bins(values, bins) for values in scaled.T), strict=True)
    _set_normalization(found[BINS], np.stack(starts, axis=1), np.stack(widths, axis=1))


def _robust_scale(values: np.ndarray) -> tuple[float, float]:
    """The median of a column, and the distance of the quartiles; 1 for a constant."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return median, float(high - low) or float(np.ptp(values)) / 2 or 1.0


def _bins(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The start and the width of each bin, [count] each.

    Quantiles of all values alone would leave a column with one very frequent value few bins
    for the others, so half are quantiles of the different values.
    """
    distinct = np.unique(values)
    if len(distinct) <= count + 1:
        edges = distinct
    else:
        of_all = np.unique(np.quantile(values, np.linspace(0, 1, count // 2 + 1)))
        # Both have the ends. What equal quantiles save is left to the different values.
        of_distinct = np.quantile(distinct, np.linspace(0, 1, count + 3 - len(of_all)))
        edges = np.unique(np.concatenate([of_all, of_distinct]))
        edges = edges[np.concatenate([[True], np.diff(edges) > _LEAST_WIDTH])]
    starts, widths = np.full(count, UNUSED_EDGE), np.ones(count)
    used = min(len(edges) - 1, count)
    starts[:used] = edges[:used]
    widths[:used] = np.maximum(np.diff(edges[: used + 1]), _LEAST_WIDTH)
    return starts, widths


def _set_normalization(layer: Any, mean: np.ndarray, std: np.ndarray) -> None:
    layer.adapt_mean.assign(mean.astype(np.float32))
    layer.adapt_variance.assign(np.square(std).astype(np.float32))
    layer.finalize_state()
