"""What happens at each evaluation: averaged weights, metrics, and keeping the best weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from typing_extensions import override

from tfx_pipeline.modeling import eval_metrics
from tfx_pipeline.modeling.dataset import Split
from tfx_pipeline.modeling.devices import ONE_DEVICE, Devices

TOLERANCE = 0.001
"""Values of AUC or accuracy that differ by less count as equal."""


class AverageWeights(tf_keras.callbacks.Callback):
    """Gives the model an average of its weights for each evaluation, and then its own again.

    Small batches move the weights to and fro around better ones; the average is nearer to those.
    It must be the first callback: the others see the average, also at the end of the training.

    Args:
      evaluations: over how many of them it goes back, with exponential weights; above 1.
    """

    def __init__(self, evaluations: float):
        super().__init__()
        self._share_kept = 1.0 - 1.0 / evaluations
        self._average: list[np.ndarray] = []
        self._own: list[np.ndarray] | None = None

    @override
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        own = tf_keras.backend.batch_get_value(self.model.trainable_variables)
        # The first evaluations are few: all of them count alike.
        kept = min(self._share_kept, epoch / (epoch + 1)) if self._average else 0.0
        averages = self._average or own
        self._own = own
        self._average = [kept * a + (1.0 - kept) * b for a, b in zip(averages, own, strict=True)]
        self._set(self._average)

    @override
    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self._own is not None:
            self._set(self._own)

    def _set(self, values: list[np.ndarray]) -> None:
        variables = self.model.trainable_variables
        tf_keras.backend.batch_set_value(list(zip(variables, values, strict=True)))


class EvalMetrics(tf_keras.callbacks.Callback):
    """Adds `val_` metrics of the eval split to the logs, for the callbacks that follow it.

    All workers get the chief's, so that all of them stop at the same step.
    """

    def __init__(self, split: Split, task: str, devices: Devices = ONE_DEVICE):
        super().__init__()
        self._split, self._task, self._devices = split, task, devices
        self._batches = split.evaluation()
        self._predict: Any = None

    def logits(self) -> np.ndarray:
        """The network's answers for all rows."""
        if self._predict is None:
            model = self.model

            def predict(columns: Mapping[str, tf.Tensor]) -> tf.Tensor:
                return model(columns, training=False)

            self._predict = tf.function(predict, autograph=False, reduce_retracing=True)
        return np.concatenate([self._predict(rows[0]).numpy() for rows in self._batches])

    @override
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        predicted = eval_metrics.member_mean(self.logits(), self._task)
        labels, weights = self._split.labels, self._split.weights
        metrics = eval_metrics.METRICS[self._task]
        values = [metric(predicted, labels, weights) for metric in metrics.values()]
        if logs is not None:
            names = [f"val_{name}" for name in metrics]
            logs.update(zip(names, self._devices.of_chief(values), strict=True))


class KeepBest(tf_keras.callbacks.Callback):
    """Stops without an improvement, and gives the model the weights of its best evaluation.

    AUC and accuracy of a small split change by chance. So of the evaluations that are within
    `TOLERANCE` of the highest value, the one with the smallest loss is the best.
    """

    def __init__(self, metric: str, patience: int, min_delta: float):
        super().__init__()
        self._name, self._patience, self._min_delta = f"val_{metric}", patience, min_delta
        is_higher_better = eval_metrics.higher_is_better(metric)
        self._sign = -1.0 if is_higher_better else 1.0
        self._tolerance = TOLERANCE if is_higher_better else 0.0
        self._top = self._best = self._loss = np.inf
        self._since = 0
        self._weights: list[np.ndarray] | None = None

    @property
    def kept_now(self) -> bool:
        """Whether the last evaluation is the best so far."""
        return self._since == 0

    @override
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        values = logs or {}
        if self._name not in values:
            raise KeyError(f"no {self._name!r} among {sorted(values)}")
        now, loss = self._sign * values[self._name], values.get("val_loss", np.inf)
        if self._is_better(now, loss) or self._weights is None:
            self._best, self._loss, self._since = now, loss, 0
            self._weights = self.model.get_weights()
            return
        self._since += 1
        if self._since >= self._patience:
            self.model.stop_training = True

    def _is_better(self, now: float, loss: float) -> bool:
        self._top = min(self._top, now)
        if now > self._top + self._tolerance:
            return False
        if self._best <= self._top + self._tolerance:
            return loss < self._loss
        return now < self._best - self._min_delta

    @override
    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if self._weights is not None:
            self.model.set_weights(self._weights)
