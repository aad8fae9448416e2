"""The devices that a training uses: one, all of this machine, or those of several workers.

Each device trains a replica of the network on its own part of each batch, and the gradients
of all parts are summed (AllReduce). So the steps are those of one device.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_pipeline.config.training import Training
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.modeling import tf_config


@dataclasses.dataclass(frozen=True)
class Devices:
    """What a training runs on.

    Attributes:
      strategy: TensorFlow's strategy; None for one device.
      workers: the processes that train together.
      worker: the number of this process; 0 is the chief.
    """

    strategy: tf.distribute.Strategy | None = None
    workers: int = 1
    worker: int = 0

    @property
    def replicas(self) -> int:
        """How many parts each batch is divided into."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Where a network must be built so that its variables are on all devices."""
        scope: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
        return self.strategy.scope() if self.strategy else scope

    def of_chief(self, values: Sequence[float]) -> list[float]:
        """The chief's values, in every worker. All workers must call it, with as many values.

        Machines of different kinds compute metrics that differ in the last digits. Workers that
        decided by their own would not all stop at the same step, and wait for each other.
        """
        if self.strategy is None or self.workers == 1:
            return [float(value) for value in values]
        own = np.asarray(values, np.float64)
        summed = self._sum(tf.constant(own if self.worker == 0 else np.zeros_like(own)))
        return [float(value) for value in summed.numpy()]

    @functools.cached_property
    def _sum(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Sums a vector over the workers; traced once."""
        strategy: Any = self.strategy
        own_replicas = self.replicas // self.workers

        def of_replica(values: tf.Tensor) -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            # A worker with several devices has several replicas: one of them speaks for it.
            is_first = tf.equal(context.replica_id_in_sync_group % own_replicas, 0)
            mine = tf.where(is_first, values, tf.zeros_like(values))
            return context.all_reduce(tf.distribute.ReduceOp.SUM, mine)

        def summed(values: tf.Tensor) -> tf.Tensor:
            results = strategy.run(of_replica, args=(values,))
            return strategy.experimental_local_results(results)[0]

        return tf.function(summed, autograph=False)


ONE_DEVICE = Devices()


def prepare(training: Training) -> Devices:
    """Takes the devices of `training.strategy`. Several workers connect to each other here.

    With `multi_worker` this must come before any operation of TensorFlow.

    Raises:
      ConfigError: TF_CONFIG is absent or not valid, or TensorFlow was used before.
    """
    if training.strategy == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return Devices(tf.distribute.MirroredStrategy([device.name for device in devices]))
    if training.strategy == "multi_worker":
        workers, worker = tf_config.place_in_cluster(os.environ.get(tf_config.NAME))
        try:
            return Devices(tf.distribute.MultiWorkerMirroredStrategy(), workers, worker)
        except RuntimeError as error:
            raise ConfigError(
                "training.strategy: the workers cannot be connected, because TensorFlow was used "
                f"in this process before: {error}. Call training.read_setup first in run_fn"
            ) from error
    return ONE_DEVICE
