"""The network as it is served: the same function, with operations that suit a single row.

A product of batches of matrices, which a layer EinsumDense is, is divided among a server's
threads even for one row. To hand out the parts takes longer than all other operations of the
network. So where the products are small, other operations compute the same, and so do fewer
ones for one-hot vectors and shapes. The Keras model in the export stays as it was trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tfx_pipeline.modeling import numeric_embedding

layers = tf_keras.layers

_LEAST_WIDTH = tf_keras.backend.epsilon()
"""By which Keras' Normalization divides at least."""
_LEAST_FILLED = 0.99
"""The share of a bin that must lie below the start of the next: else bins overlap."""


def served_network(model: tf_keras.Model) -> tf_keras.Model:
    """A model with the same inputs, outputs and variables, to be traced for signatures.

    Args:
      model: any model; what is not known here stays as it is.
    """
    if not type(model).__module__.startswith("tf_keras."):  # its call may be any Python code
        return model
    singles = (lighter for layer in model.layers if (lighter := _lighter(layer)))
    replaced = {layer.name: layer for layer in (*singles, *_lookups(model))}
    if not replaced:
        return model
    return tf_keras.models.clone_model(
        model, clone_function=lambda layer: replaced.get(layer.name, layer)
    )


def _lighter(layer: Any) -> Any:
    """What computes the same as a layer in fewer operations; None if nothing here does."""
    kind = type(layer)  # a class made from one of these may do anything
    if kind is layers.EinsumDense:
        # The output of an ensemble whose members have one logit each.
        is_known = layer.equation == "bmh,mhu->bmu" and layer.bias is not None
        return _Sums(layer) if is_known and layer.kernel.shape[-1] == 1 else None
    if kind is layers.Embedding and not (layer.trainable or layer.mask_zero):
        ids, width = layer.embeddings.shape
        if ids != width or (layer.get_weights()[0] != np.eye(ids)).any():
            return None
        return layers.Lambda(
            lambda x: tf.one_hot(tf.cast(x, tf.int64), ids, dtype=layer.compute_dtype),
            name=layer.name,
        )
    if kind is layers.Reshape and -1 not in layer.target_shape:
        shape = [-1, *layer.target_shape]
        return layers.Lambda(lambda x: tf.reshape(x, shape), name=layer.name)
    return None


def _lookups(model: tf_keras.Model) -> Iterator[Any]:
    """What replaces the layers of a piecewise linear embedding: three do nothing, one all."""
    found: dict[str, Any] = {layer.name: layer for layer in model.layers}
    names = numeric_embedding.PIECEWISE_LINEAR
    if not found.keys() >= set(names):
        return
    *others, embedded = (found[name] for name in names)
    if not all(_is_inner(layer, model) for layer in others):
        return
    bins = found[numeric_embedding.BINS]
    mean, variance, vectors, bias = (
        tf_keras.backend.get_value(value)
        for value in (bins.mean, bins.variance, embedded.kernel, embedded.bias)
    )
    table = _Lookup(mean[0], np.maximum(np.sqrt(variance[0]), _LEAST_WIDTH), vectors, bias)
    if table.is_exact:
        yield from (layers.Activation("linear", name=layer.name) for layer in others)
        yield table


def _is_inner(layer: Any, model: tf_keras.Model) -> bool:
    """Whether one other layer reads what the layer returns, and nothing else."""
    outputs = {id(tensor) for tensor in tf.nest.flatten(model.output)}
    is_single = len(layer.inbound_nodes) == len(layer.outbound_nodes) == 1
    return is_single and id(layer.output) not in outputs


class _Lookup(tf_keras.layers.Layer):
    """The vectors of numbers, [batch, n, size], by the bin in which each number lies.

    Args:
      starts, widths: of the bins, float32 [bins, n]; the starts are sorted.
      vectors: the vector of each bin, [bins, n, size]: the result is the sum of the vectors,
        each times the share of its bin that lies below the number.
      bias: what is added, [n, size].
    """

    def __init__(self, starts: np.ndarray, widths: np.ndarray, vectors: np.ndarray, bias: Any):
        super().__init__(name=numeric_embedding.PIECEWISE_LINEAR[-1])
        bins, count = starts.shape
        with np.errstate(over="ignore"):
            at_starts = np.clip((starts[:, np.newaxis] - starts) / widths, 0.0, 1.0)
        earlier = np.tri(bins, k=-1, dtype=bool)[:, :, np.newaxis]
        used = starts[:, np.newaxis] < np.float32(numeric_embedding.UNUSED_EDGE)
        self.is_exact = bool((at_starts >= _LEAST_FILLED)[earlier & used].all())
        sums = np.einsum("ktn,tnd->knd", at_starts, vectors) + bias
        # Row 0 of each column is for numbers below all bins.
        self._sums = _table(bias[np.newaxis], sums)
        self._vectors = _table(np.zeros_like(vectors[:1]), vectors)
        self._starts = _table(np.zeros_like(starts[:1]), starts)
        self._widths = _table(np.ones_like(widths[:1]), widths)
        self._sorted = tf.constant(starts.T)
        self._first_rows = tf.constant(np.arange(count, dtype=np.int32) * (bins + 1))

    def call(self, scaled: tf.Tensor) -> tf.Tensor:
        """Looks up scaled numbers, [batch, n]."""
        bins = tf.raw_ops.UpperBound(sorted_inputs=self._sorted, values=tf.transpose(scaled))
        rows = tf.transpose(bins) + self._first_rows
        shares = (scaled - tf.gather(self._starts, rows)) / tf.gather(self._widths, rows)
        shares = tf.expand_dims(tf.clip_by_value(shares, 0.0, 1.0), axis=-1)
        return tf.gather(self._sums, rows) + shares * tf.gather(self._vectors, rows)


def _table(first: np.ndarray, others: np.ndarray) -> tf.Tensor:
    """[1 + bins, n, ...] as the rows of one column after those of another."""
    by_column = np.swapaxes(np.concatenate([first, others]), 0, 1).astype(np.float32)
    return tf.constant(by_column.reshape(-1, *by_column.shape[2:]))


class _Sums(tf_keras.layers.Layer):
    """[batch, members, width] -> [batch, members, 1], with the weights of an EinsumDense."""

    def __init__(self, dense: Any):
        super().__init__(name=dense.name)
        self._dense = dense

    def call(self, hidden: tf.Tensor) -> tf.Tensor:
        weighted = hidden * tf.squeeze(self._dense.kernel, axis=-1)
        summed = tf.reduce_sum(weighted, axis=-1, keepdims=True) + self._dense.bias
        return self._dense.activation(summed)
