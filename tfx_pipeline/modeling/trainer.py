"""Trains the network and exports it: the default `run_fn`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import tf_keras

from tfx_pipeline.modeling import exports, network, training

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import FnArgs


@training.fast_tracing
def run_fn(
    fn_args: FnArgs,
    build_model: Callable[[training.Setup], tf_keras.Model] = network.build_model,
) -> None:
    """Trains on the train split, stops early by the eval split, exports the model.

    Args:
      fn_args: as TFX gives them; `custom_config` holds the sections `features`,
        `label`, `model` and `training` of the configuration.
      build_model: returns the network to train; see `network.build_model`.

    Raises:
      ConfigError: a column is not in the schema, or its transformation does not fit it.
      DataRefused: no row of a split has a label.
    """
    setup = training.read_setup(fn_args)
    tf_keras.utils.set_random_seed(setup.training.seed)
    with setup.scope():
        model = build_model(setup)
    rows = training.read_rows(fn_args, setup, model)
    training.compile_model(model, setup)
    training.fit(model, setup, rows, training.default_callbacks(setup, fn_args.model_run_dir))
    temperature = training.fit_temperature(model, setup, rows)
    task = setup.table.label.task
    served = network.prediction_model(model, task, rows.label_mean, rows.label_std, temperature)
    exports.save(served, setup.table, setup.transform, fn_args.serving_model_dir)
