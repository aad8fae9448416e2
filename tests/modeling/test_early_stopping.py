"""Which evaluation is the best, and when the training stops."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras

from tfx_pipeline.modeling.early_stopping import AverageWeights, KeepBest

pytestmark = pytest.mark.tensorflow


def _evaluations(values, metric="auc", patience=2, min_delta=0.0):
    """The weight that is kept after evaluations of (metric, loss), and how many there were."""
    model = tf_keras.Sequential([tf_keras.layers.Dense(1, use_bias=False)])
    model.build([None, 1])
    callback = KeepBest(metric, patience, min_delta)
    callback.set_model(model)
    model.stop_training = False
    for number, (value, loss) in enumerate(values):
        model.set_weights([np.array([[float(number)]])])
        callback.on_epoch_end(number, {f"val_{metric}": value, "val_loss": loss})
        if model.stop_training:
            break
    callback.on_train_end()
    return int(model.get_weights()[0][0, 0]), number + 1


def test_the_best_weights_are_kept_even_if_nothing_stopped_the_training():
    assert _evaluations([(0.7, 0.5), (0.9, 0.3), (0.8, 0.4)]) == (1, 3)


def test_stops_after_patience_evaluations_without_an_improvement():
    values = [(0.7, 0.5), (0.9, 0.3), (0.8, 0.4), (0.85, 0.3), (0.95, 0.1)]
    assert _evaluations(values) == (1, 4)


def test_of_nearly_equal_values_the_smallest_loss_is_the_best():
    assert _evaluations([(0.9600, 0.207), (0.9598, 0.187), (0.9595, 0.188)]) == (1, 3)
    assert _evaluations([(0.9600, 0.207), (0.9580, 0.187)]) == (0, 2)
    # Small steps down cannot add up: the highest value of all counts.
    assert _evaluations([(0.9600, 0.3), (0.9592, 0.2), (0.9584, 0.1)]) == (1, 3)


def test_an_error_is_the_better_the_smaller():
    values = [(3.0, 9.0), (2.0, 4.0), (1.95, 3.8), (2.5, 6.0)]
    assert _evaluations(values, "root_mean_squared_error") == (2, 4)
    assert _evaluations(values, "root_mean_squared_error", min_delta=0.1) == (1, 4)


def test_a_metric_that_is_not_computed_is_named():
    callback = KeepBest("auc", 1, 0.0)
    with pytest.raises(KeyError, match="val_auc"):
        callback.on_epoch_end(0, {"val_loss": 1.0})


def _training(evaluations, kept=None):
    """What evaluations see of a weight that is trained to 1, 2, 3 and so on, and the last one."""
    model = tf_keras.Sequential([tf_keras.layers.Dense(1, use_bias=False)])
    model.build([None, 1])
    averages, seen = AverageWeights(evaluations), []
    callbacks = [averages, *([kept] if kept else [])]
    for callback in callbacks:
        callback.set_model(model)
    model.set_weights([np.array([[0.0]])])
    for epoch in range(4):
        averages.on_epoch_begin(epoch)
        model.set_weights([model.get_weights()[0] + 1])
        for callback in callbacks:
            callback.on_epoch_end(epoch, {"val_loss": abs(epoch - 2)})
        seen.append(float(model.get_weights()[0][0, 0]))
    for callback in callbacks:
        callback.on_train_end()
    return seen, float(model.get_weights()[0][0, 0])


def test_evaluations_see_the_average_of_the_weights_and_the_training_its_own():
    # Own weights 1, 2, 3, 4: first all alike, then a half of the average before and a half of it.
    assert _training(2) == ([1.0, 1.5, 2.25, 3.125], 3.125)
    seen, _ = _training(100)
    assert seen == pytest.approx([1.0, 1.5, 2.0, 2.5])


def test_the_kept_weights_are_an_average():
    _, kept = _training(2, KeepBest("loss", 9, 0.0))
    assert kept == 2.25
