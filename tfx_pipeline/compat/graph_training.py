"""Keras' training and evaluation steps in graph loops that need no AutoGraph.

Keras writes `for _ in tf.range(steps)`, which AutoGraph must rewrite together with
everything it calls, and it traces a step twice, before the loop and in it. That
takes longer than training on a small table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras

from tfx_pipeline.compat.table import TRAINING_LOOP


def functional_model(inputs: Any, outputs: Any, name: str = "network") -> tf_keras.Model:
    """A functional Keras model that starts to train sooner than Keras' own.

    Within the scope of a strategy it is Keras' own: the loops here know one device.
    """
    is_quick = TRAINING_LOOP.fits() and not tf.distribute.has_strategy()
    kind = _GraphTrained if is_quick else tf_keras.Model
    return kind(inputs, outputs, name=name)


class _GraphTrained(tf_keras.Model):
    """Keras' model with training and evaluation loops of its own."""

    train_function: Any
    test_function: Any

    def make_train_function(self, force: bool = False) -> Callable[[Any], dict[str, tf.Tensor]]:
        """The function that `fit` calls for each `steps_per_execution` steps."""
        if self.train_function is None or force:
            self.train_function = self._loop(self.train_step, self._train_counter)
            self.train_tf_function = self.train_function
        return self.train_function

    def make_test_function(self, force: bool = False) -> Callable[[Any], dict[str, tf.Tensor]]:
        """The function that `evaluate` calls for each `steps_per_execution` batches."""
        if self.test_function is None or force:
            self.test_function = self._loop(self.test_step, self._test_counter)
        return self.test_function

    def _loop(self, step: Callable[[Any], Any], counter: tf.Variable) -> Any:
        def run(iterator):
            def body(done):
                step(next(iterator))
                counter.assign_add(1)
                return (done + 1,)

            tf.while_loop(
                lambda done: done < self._steps_per_execution, body, (tf.constant(0, tf.int64),)
            )
            # Metrics are variables: what they say after the last step is what a step returns.
            return self.get_metrics_result()

        return tf.function(run, autograph=False, reduce_retracing=True)
