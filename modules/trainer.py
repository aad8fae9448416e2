"""Trains the network and exports it; TFX Trainer calls `run_fn`."""

from __future__ import annotations

import dataclasses
import logging
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from modules.model import build_model, compile_model, export_model
from tfx_pipeline.compat.autograph_rules import keras_not_converted
from tfx_pipeline.config import models as config_lib
from tfx_pipeline.errors import DataRefused
from tfx_pipeline.modeling import exports, feature_table
from tfx_pipeline.modeling.dataset import Split, read_split

_log = logging.getLogger(__name__)

if TYPE_CHECKING:
    # Importing it costs seconds, and TFX passes the object anyway.
    from tfx.components.trainer.fn_args_utils import FnArgs

_STEPS_PER_EXECUTION = 50
"""Steps between two looks at Python: few enough to be interrupted, many enough to be fast."""


def run_fn(fn_args: FnArgs) -> None:
    """Trains on the train split, stops early on the eval split, saves the serving model.

    Args:
      fn_args: as TFX gives them; `custom_config` holds the sections `features`,
        `label`, `model` and `training` of the config.
    """
    given = fn_args.custom_config
    with tf.io.gfile.GFile(fn_args.schema_path) as file:
        table = feature_table.load_table(given, file.read())
    network = feature_table.parse(config_lib.Model, given["model"])
    training = feature_table.parse(config_lib.Training, given["training"])
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    tf_keras.utils.set_random_seed(training.seed)
    with keras_not_converted():
        model = build_model(table, network, transform)
        train = read_split(fn_args.train_files, transform, model.input, table.label.name)
        evaluation = read_split(fn_args.eval_files, transform, model.input, table.label.name)
        for split, rows in (("train", train), ("eval", evaluation)):
            _ensure_labelled(split, rows, table.label.name)
        scale = label_scale(train, table.label.task)
        fit(model, table.label.task, training, scale.of(train), scale.of(evaluation), fn_args)
        served = export_model(model, table.label.task, scale.mean, scale.std)
        exports.save(served, table, transform, fn_args.serving_model_dir)


def fit(
    model: tf_keras.Model,
    task: str,
    training: config_lib.Training,
    train: Split,
    evaluation: Split,
    fn_args: FnArgs,
) -> tf_keras.callbacks.History:
    """Trains for `training.steps`, rounded up to whole evaluations; keeps the best weights."""
    rounds = math.ceil(training.steps / training.eval_every)
    steps_per_round = math.ceil(training.steps / rounds)
    compile_model(model, task, training, min(steps_per_round, _STEPS_PER_EXECUTION))
    return model.fit(
        train.training(training.batch_size, training.seed),
        epochs=rounds,
        steps_per_epoch=steps_per_round,
        validation_data=evaluation.evaluation(),
        class_weight=class_weights(train.labels, training.class_weights, task),
        callbacks=_callbacks(training, fn_args.model_run_dir),
        verbose=0,
    )


def _callbacks(training: config_lib.Training, log_dir: str | None) -> list[Any]:
    callbacks = [tf_keras.callbacks.LambdaCallback(on_epoch_end=_log_metrics)]
    if log_dir:
        callbacks.append(
            tf_keras.callbacks.TensorBoard(log_dir, write_graph=False, profile_batch=0)
        )
    if training.early_stopping:
        stopping = training.early_stopping
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
    found = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
    _log.info("Evaluation %d: %s", epoch + 1, found)


def class_weights(labels: np.ndarray, policy: str, task: str) -> dict[int, float] | None:
    """Weights under which every class counts the same; None without `balanced`."""
    if policy != "balanced" or task == "regression":
        return None
    ids, counts = np.unique(labels, return_counts=True)
    return {int(id_): len(labels) / (len(ids) * int(n)) for id_, n in zip(ids, counts, strict=True)}


@dataclasses.dataclass(frozen=True)
class LabelScale:
    """The label is trained standardised, so that its unit does not matter."""

    mean: float = 0.0
    std: float = 1.0

    def of(self, split: Split) -> Split:
        """The split with its label standardised."""
        if (self.mean, self.std) == (0.0, 1.0):
            return split
        return split.with_label(lambda label: (label - self.mean) / self.std)


def label_scale(train: Split, task: str) -> LabelScale:
    """Mean and standard deviation of a regression's label on the training split."""
    if task != "regression":
        return LabelScale()
    values = train.labels.astype(np.float64)
    return LabelScale(float(values.mean()), float(values.std()) or 1.0)


def _ensure_labelled(split: str, rows: Split, label: str) -> None:
    """Raises DataRefused if no row of the split has a label."""
    if not len(rows.labels):
        raise DataRefused(
            f"Trainer: no row of the split {split!r} has a known {label!r}. "
            "Check the label column, label.classes and data.split."
        )
