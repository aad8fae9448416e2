"""Trains the network and exports it. TFX Trainer calls `run_fn`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tf_keras

from modules.model import build_model
from tfx_pipeline.modeling import exports, network, training

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import FnArgs


@training.fast_tracing
def run_fn(fn_args: FnArgs) -> None:
    """Trains on the train split, stops early by the eval split, exports the model.

    Args:
      fn_args: as TFX gives them: files, Transform's output, where to save the model.
        `custom_config` holds the sections of pipeline.yaml.
    """
    # The features, Transform's output, and the sections `model` and `training`.
    setup = training.read_setup(fn_args)
    task = setup.table.label.task
    tf_keras.utils.set_random_seed(setup.training.seed)

    # The network is in model.py. Its inputs are the columns that are read from the files.
    # In the scope, all devices of `training.strategy` get its variables.
    with setup.scope():
        model = build_model(setup)
    rows = training.read_rows(fn_args, setup, model)

    # Loss, metrics and optimizer by the task; your own `model.compile(...)` works too.
    training.compile_model(model, setup)

    # Early stopping, TensorBoard and a log; add callbacks of your own to the list.
    callbacks = training.default_callbacks(setup, fn_args.model_run_dir)
    training.fit(model, setup, rows, callbacks)

    # From logits to probabilities, or to predictions in the label's own unit.
    temperature = training.fit_temperature(model, setup, rows)
    served = network.prediction_model(model, task, rows.label_mean, rows.label_std, temperature)

    # Preprocessing becomes part of the saved model, so that clients send raw columns.
    exports.save(served, setup.table, setup.transform, fn_args.serving_model_dir)
