"""The steps of a training: settings, rows, loss and optimizer, `fit`."""

from __future__ import annotations

import dataclasses
import functools
import logging
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ParamSpec

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from tfx_pipeline.compat.autograph_rules import keras_not_converted
from tfx_pipeline.config import models as config_lib
from tfx_pipeline.errors import DataRefused
from tfx_pipeline.modeling.dataset import Split, read_split
from tfx_pipeline.modeling.feature_table import Table, load_table, parse_section

if TYPE_CHECKING:
    # TFX passes the object. To import the class here would cost seconds.
    from tfx.components.trainer.fn_args_utils import FnArgs

Parameters = ParamSpec("Parameters")

_log = logging.getLogger(__name__)

_STEPS_PER_EXECUTION = 50
"""Steps that run without returning to Python. Fewer are slower, more delay an interrupt."""


@dataclasses.dataclass(frozen=True)
class Setup:
    """What a training needs besides the rows.

    Attributes:
      table: the features and the label.
      transform: Transform's output.
      model: the section `model` of the configuration.
      training: the section `training` of the configuration.
    """

    table: Table
    transform: tft.TFTransformOutput
    model: config_lib.Model
    training: config_lib.Training


@dataclasses.dataclass(frozen=True)
class TrainingRows:
    """The rows to train on and to evaluate with.

    The label of a regression is standardised, so that its unit has no influence:
    its mean and standard deviation are in `label_mean` and `label_std`.
    """

    train: Split
    evaluation: Split
    label_mean: float = 0.0
    label_std: float = 1.0


def fast_tracing(run_fn: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Decorates a `run_fn` so that AutoGraph does not convert the code of Keras and TFT.

    That code needs no conversion. This saves 28 CPU-seconds at the start of a
    training and changes no result.
    """

    @functools.wraps(run_fn)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        with keras_not_converted():
            run_fn(*args, **kwargs)

    return wrapped


def read_setup(fn_args: FnArgs) -> Setup:
    """Reads what TFX gives to a `run_fn`.

    Args:
      fn_args: `custom_config` holds the sections `features`, `label`, `model`
        and `training` of the configuration.

    Raises:
      ConfigError: a column is not in the schema, or its transformation does not fit it.
    """
    sections = fn_args.custom_config
    with tf.io.gfile.GFile(fn_args.schema_path) as file:
        table = load_table(sections, file.read())
    return Setup(
        table=table,
        transform=tft.TFTransformOutput(fn_args.transform_graph_path),
        model=parse_section(config_lib.Model, sections["model"]),
        training=parse_section(config_lib.Training, sections["training"]),
    )


def read_rows(fn_args: FnArgs, setup: Setup, model: tf_keras.Model) -> TrainingRows:
    """Opens the splits: the columns that the model takes, and the label.

    Raises:
      DataRefused: no row of a split has a label.
    """
    label = setup.table.label
    train = read_split(fn_args.train_files, setup.transform, model.input, label.name)
    evaluation = read_split(fn_args.eval_files, setup.transform, model.input, label.name)
    for name, split in (("train", train), ("eval", evaluation)):
        if not len(split.labels):
            raise DataRefused(
                f"Trainer: no row of the split {name!r} has a known {label.name!r}. "
                "Check the label column, label.classes and data.split."
            )
    if label.task != "regression":
        return TrainingRows(train, evaluation)
    values = train.labels.astype(np.float64)
    mean, std = float(values.mean()), float(values.std()) or 1.0

    def standardised(values: tf.Tensor) -> tf.Tensor:
        return (values - mean) / std

    return TrainingRows(
        train.with_label(standardised), evaluation.with_label(standardised), mean, std
    )


def compile_model(model: tf_keras.Model, setup: Setup) -> None:
    """Sets loss, metrics, and an optimizer whose learning rate falls to a twentieth."""
    training, losses, metrics = setup.training, tf_keras.losses, tf_keras.metrics
    rate = tf_keras.optimizers.schedules.CosineDecay(
        training.learning_rate, training.steps, alpha=0.05
    )
    loss, weighted_metrics = {
        "binary": (losses.BinaryCrossentropy(from_logits=True), [metrics.AUC(from_logits=True)]),
        "multiclass": (losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"]),
        "regression": (losses.MeanSquaredError(), ["mae"]),
    }[setup.table.label.task]
    _, steps_per_epoch = epochs_and_steps(training)
    model.compile(
        tf_keras.optimizers.Adam(rate),
        loss,
        weighted_metrics=weighted_metrics,
        steps_per_execution=min(steps_per_epoch, _STEPS_PER_EXECUTION),
    )
    # Without this, the training loop would be traced a second time to create these variables.
    model.optimizer.build(model.trainable_variables)


def fit(
    model: tf_keras.Model,
    setup: Setup,
    rows: TrainingRows,
    callbacks: Sequence[tf_keras.callbacks.Callback],
) -> tf_keras.callbacks.History:
    """Trains a compiled model for `training.steps`, rounded up to whole evaluations."""
    training = setup.training
    epochs, steps_per_epoch = epochs_and_steps(training)
    weights = class_weights(rows.train.labels, training.class_weights, setup.table.label.task)
    return model.fit(
        rows.train.training(training.batch_size, training.seed),
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        validation_data=rows.evaluation.evaluation(),
        class_weight=weights,
        callbacks=list(callbacks),
        verbose=0,
    )


def epochs_and_steps(training: config_lib.Training) -> tuple[int, int]:
    """How many epochs of how many steps: an epoch ends where the model is evaluated."""
    epochs = math.ceil(training.steps / training.eval_every)
    return epochs, math.ceil(training.steps / epochs)


def default_callbacks(setup: Setup, log_dir: str | None) -> list[tf_keras.callbacks.Callback]:
    """Logs metrics, writes them for TensorBoard, and stops early with the best weights.

    Args:
      setup: with `early_stopping` in its training section.
      log_dir: the folder for TensorBoard; without it nothing is written.
    """
    callbacks = [tf_keras.callbacks.LambdaCallback(on_epoch_end=_log_metrics)]
    if log_dir:
        callbacks.append(
            tf_keras.callbacks.TensorBoard(log_dir, write_graph=False, profile_batch=0)
        )
    if stopping := setup.training.early_stopping:
        callbacks.append(
            tf_keras.callbacks.EarlyStopping(
                "val_loss",
                min_delta=stopping.min_delta,
                patience=stopping.patience,
                restore_best_weights=True,
            )
        )
    return callbacks


def _log_metrics(epoch: int, metrics: dict[str, float]) -> None:
    values = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
    _log.info("Evaluation %d: %s", epoch + 1, values)


def class_weights(labels: np.ndarray, policy: str, task: str) -> dict[int, float] | None:
    """Weights that give every class the same total weight; None without `balanced`.

    Args:
      labels: the class id of each row.
      policy: `none` or `balanced`.
      task: binary, multiclass or regression.
    """
    if policy != "balanced" or task == "regression":
        return None
    ids, counts = np.unique(labels, return_counts=True)
    return {int(id_): len(labels) / (len(ids) * int(n)) for id_, n in zip(ids, counts, strict=True)}
