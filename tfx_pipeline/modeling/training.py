"""The steps of a training: settings, rows, loss and optimizer, `fit`."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import math
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from tfx_pipeline.compat.autograph_rules import keras_not_converted
from tfx_pipeline.config import training as config_lib
from tfx_pipeline.errors import ConfigError, DataRefused
from tfx_pipeline.modeling import (
    decisions,
    devices,
    eval_metrics,
    hyperparameters,
    losses,
    recipe,
)
from tfx_pipeline.modeling.dataset import Split, count_rows, read_split
from tfx_pipeline.modeling.early_stopping import AverageWeights, EvalMetrics, KeepBest
from tfx_pipeline.modeling.feature_table import Table, load_table, parse_section
from tfx_pipeline.modeling.numeric_embedding import fit_numbers
from tfx_pipeline.modeling.trial import TRIAL, ReportTrial, Trial, TrialEnded

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
      model: the section `model` of the configuration, with a value for every key.
      training: the section `training` of the configuration, with a value for every key.
      devices: what `training.strategy` trains on.
      trial: what follows this training, if it is a trial of the Tuner.
    """

    table: Table
    transform: tft.TFTransformOutput
    model: config_lib.Model
    training: config_lib.Training
    devices: devices.Devices = devices.ONE_DEVICE
    trial: Trial | None = None

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Where the network must be built so that all devices have its variables."""
        return self.devices.scope()


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
        and `training` of the configuration. Values of the Tuner are in `hyperparameters`; one
        that is set when the run is started comes before it.

    Raises:
      ConfigError: a column is not in the schema, its transformation does not fit it, or
        `training.strategy` has not what it needs.
    """
    configured = parse_section(config_lib.Training, fn_args.custom_config["training"])
    used = devices.prepare(configured)
    sections = {**fn_args.custom_config, **decisions.read(fn_args.transform_graph_path)}
    with tf.io.gfile.GFile(fn_args.schema_path) as file:
        table = load_table(sections, file.read())
    model, training = hyperparameters.applied(
        parse_section(config_lib.Model, sections["model"]),
        configured,
        (fn_args.hyperparameters or {}).get("values", {}),
    )
    model, training = recipe.complete(
        model,
        training,
        rows=count_rows(fn_args.train_files),
        columns=len(table.features),
        multiplications=sum(feature.multiplications for feature in table.features),
        cores=int(used.of_chief([len(os.sched_getaffinity(0))])[0]),
    )
    _log.info("Network: %s; training: %s", model, training)
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    return Setup(table, transform, model, training, used, sections.get(TRIAL))


def read_rows(fn_args: FnArgs, setup: Setup, model: tf_keras.Model) -> TrainingRows:
    """Opens the splits: the columns that the model takes, and the label.

    Raises:
      DataRefused: no row of a split has a label.
    """
    label = setup.table.label
    weight = label.weight.name if label.weight else None
    train, evaluation = (
        read_split(files, setup.transform, model.input, label.name, weight)
        for files in (fn_args.train_files, fn_args.eval_files)
    )
    for name, split in (("train", train), ("eval", evaluation)):
        if not len(split.labels):
            raise DataRefused(
                f"Trainer: no row of the split {name!r} has a known {label.name!r}. "
                "Check the label column, label.classes and data.split."
            )
        if split.weights is not None and not split.weights.any():
            raise DataRefused(
                f"Trainer: no row of the split {name!r} has a {weight!r} above 0. "
                "Check the column of label.weight."
            )
    if label.task != "regression":
        return TrainingRows(train, evaluation)
    values = train.labels.astype(np.float64)
    mean = float(np.average(values, weights=train.weights))
    std = math.sqrt(np.average((values - mean) ** 2, weights=train.weights)) or 1.0

    def standardised(values: tf.Tensor) -> tf.Tensor:
        return (values - mean) / std

    return TrainingRows(
        train.with_label(standardised), evaluation.with_label(standardised), mean, std
    )


def compile_model(model: tf_keras.Model, setup: Setup) -> None:
    """Sets the loss, and AdamW with a learning rate that rises and falls to a twentieth.

    Raises:
      ConfigError: the model was not built in `setup.scope()`.
    """
    _ensure_in_scope(model, setup)
    training = setup.training
    epochs, steps_per_epoch = epochs_and_steps(training)
    steps = epochs * steps_per_epoch
    warmup = int(training.warmup * steps)
    highest = training.learning_rate or 0.001
    rate = tf_keras.optimizers.schedules.CosineDecay(
        highest / 100 if warmup else highest,
        max(1, steps - warmup),
        alpha=0.05,
        warmup_target=highest if warmup else None,
        warmup_steps=warmup,
    )
    with setup.scope():
        optimizer = tf_keras.optimizers.AdamW(
            rate, weight_decay=training.weight_decay, global_clipnorm=training.clip_norm or None
        )
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        model.compile(
            optimizer,
            losses.of_task(setup.table.label.task, training.label_smoothing),
            steps_per_execution=min(steps_per_epoch, _STEPS_PER_EXECUTION),
        )
        # Without this, the training loop would be traced again to create these variables.
        model.optimizer.build(model.trainable_variables)


def fit(
    model: tf_keras.Model,
    setup: Setup,
    rows: TrainingRows,
    callbacks: Sequence[tf_keras.callbacks.Callback],
) -> tf_keras.callbacks.History:
    """Trains a compiled model for `training.steps`, rounded up to whole evaluations.

    Scales and bins of the numbers are set by the train split first. Where there are enough
    evaluations for `training.averaging`, they and `callbacks` see averages of the weights.

    Raises:
      ConfigError: the model was not built in `setup.scope()`, or its batches have fewer rows
        than there are devices.
      TrialEnded: this was a trial of the Tuner, which needs no model.
    """
    training, task, used = setup.training, setup.table.label.task, setup.devices
    _ensure_in_scope(model, setup)
    fit_numbers(model, rows.train.sample())
    epochs, steps_per_epoch = epochs_and_steps(training)
    weights = class_weights(rows.train.labels, training.class_weights, task, rows.train.weights)
    # A model that was compiled in another way has metrics of its own.
    own = not isinstance(model.loss, losses.MeanOfMembers)
    first: list[tf_keras.callbacks.Callback] = []
    if not own and training.averaging * epochs > 1:
        first.append(AverageWeights(training.averaging * epochs))
    history = model.fit(
        rows.train.training(_batch_size(setup, rows), training.seed, used.workers, used.worker),
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        validation_data=rows.evaluation.evaluation() if own else None,
        class_weight=weights,
        callbacks=[*first, EvalMetrics(rows.evaluation, task, used), *callbacks],
        verbose=0,
    )
    if setup.trial is not None:
        raise TrialEnded("the Tuner has what it needs of this training")
    return history


def _ensure_in_scope(model: tf_keras.Model, setup: Setup) -> None:
    strategy = setup.devices.strategy
    if strategy and model.distribute_strategy is not strategy:
        raise ConfigError(
            f"training.strategy: {setup.training.strategy} needs a network that is on all devices. "
            "In run_fn, write: with setup.scope(): model = build_model(setup)"
        )


def _batch_size(setup: Setup, rows: TrainingRows) -> int:
    # A batch of more rows than there are would never be full.
    count = min(setup.training.batch_size or len(rows.train.labels), len(rows.train.labels))
    replicas = setup.devices.replicas
    if count < replicas:
        raise ConfigError(
            f"training.batch_size: {count} rows cannot be divided among {replicas} devices. "
            "Give at least one row to each"
        )
    # Equal parts: a row of a smaller part would count more.
    return count - count % replicas


def fit_temperature(model: tf_keras.Model, setup: Setup, rows: TrainingRows) -> float:
    """By what `network.prediction_model` divides the logits: fitted on the eval split, or 1."""
    training, task = setup.training, setup.table.label.task
    if training.calibration == "none" or task == "regression":
        return 1.0
    split = rows.evaluation
    evaluation = EvalMetrics(split, task)
    evaluation.set_model(model)
    weights = split.weights
    if by_class := class_weights(split.labels, training.class_weights, task, weights):
        own = np.array([by_class[int(label)] for label in split.labels])
        weights = own if weights is None else own * weights
    return eval_metrics.fit_temperature(evaluation.logits(), split.labels, weights, task)


def epochs_and_steps(training: config_lib.Training) -> tuple[int, int]:
    """How many epochs of how many steps: an epoch ends where the model is evaluated."""
    steps = training.steps or 1
    epochs = math.ceil(steps / (training.eval_every or steps))
    return epochs, math.ceil(steps / epochs)


def default_callbacks(setup: Setup, log_dir: str | None) -> list[tf_keras.callbacks.Callback]:
    """Logs metrics, writes them for TensorBoard, and stops early with the best weights.

    A trial of the Tuner is reported to it instead of to logs and TensorBoard.

    Args:
      setup: with `early_stopping` in its training section.
      log_dir: the folder for TensorBoard; without it nothing is written.
    """
    callbacks: list[tf_keras.callbacks.Callback] = []
    if setup.trial is None:
        callbacks.append(tf_keras.callbacks.LambdaCallback(on_epoch_end=_log_metrics))
    if log_dir and setup.trial is None:
        callbacks.append(
            tf_keras.callbacks.TensorBoard(log_dir, write_graph=False, profile_batch=0)
        )
    if stopping := setup.training.early_stopping:
        metric = stopping.metric or config_lib.STOPPING_METRICS[setup.table.label.task][0]
        callbacks.append(KeepBest(metric, stopping.patience or 1, stopping.min_delta))
    if setup.trial is not None:
        callbacks.append(ReportTrial(setup.trial, callbacks[-1] if stopping else None))
    return callbacks


def _log_metrics(epoch: int, metrics: dict[str, float]) -> None:
    values = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
    _log.info("Evaluation %d: %s", epoch + 1, values)


def class_weights(
    labels: np.ndarray, policy: str, task: str, weights: np.ndarray | None = None
) -> dict[int, float] | None:
    """Weights that give every class the same total weight; None without `balanced`.

    Args:
      labels: the class id of each row.
      policy: `none` or `balanced`.
      task: binary, multiclass or regression.
      weights: the weight of each row; None if all rows count alike.
    """
    if policy != "balanced" or task == "regression":
        return None
    ids, codes = np.unique(labels, return_inverse=True)
    totals = np.bincount(codes, weights, len(ids))
    each = totals.sum() / np.count_nonzero(totals)
    return {int(i): each / total if total else 1.0 for i, total in zip(ids, totals, strict=True)}
