"""The loss of each task, for a network with or without members."""

from __future__ import annotations

import tensorflow as tf
import tf_keras
from typing_extensions import override


class MeanOfMembers(tf_keras.losses.Loss):
    """The mean of the members' losses: labels [batch, 1], logits [batch(, members), units].

    Args:
      task: binary, multiclass or regression.
      smoothing: the share of the label that is spread over all classes.
    """

    def __init__(self, task: str, smoothing: float = 0.0):
        super().__init__(name="loss")
        self._task, self._smoothing = task, smoothing

    @override
    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """The loss of each row, [batch]."""
        members = y_pred if len(y_pred.shape) == 3 else tf.expand_dims(y_pred, 1)
        if self._task == "multiclass":
            return self._of_classes(tf.cast(y_true, tf.int64), members)
        labels = tf.cast(y_true, members.dtype)[:, :, tf.newaxis]
        if self._task == "regression":
            each = tf.math.squared_difference(members, labels)
        else:
            labels = labels * (1.0 - self._smoothing) + 0.5 * self._smoothing
            labels = tf.broadcast_to(labels, tf.shape(members))
            each = tf.nn.sigmoid_cross_entropy_with_logits(labels, members)
        return tf.reduce_mean(each, axis=[1, 2])

    def _of_classes(self, labels: tf.Tensor, members: tf.Tensor) -> tf.Tensor:
        logs = tf.nn.log_softmax(members)
        own = tf.gather(tf.reduce_mean(logs, axis=1), labels[:, 0], axis=1, batch_dims=1)
        all_classes = tf.reduce_mean(logs, axis=[1, 2])
        return -(1.0 - self._smoothing) * own - self._smoothing * all_classes


def of_task(task: str, smoothing: float) -> tf_keras.losses.Loss:
    """The loss of binary, multiclass or regression."""
    return MeanOfMembers(task, smoothing if task != "regression" else 0.0)
