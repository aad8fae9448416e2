"""The process that trains trials: `python -m tfx_pipeline.components.tuner.worker`.

It reads and writes one JSON object a line. First it reads `Start`; then, for each trial, its
values and the division of the rows (see `divisions`; 0 for the splits). It answers with each
evaluation, on which it is told whether to end, and at last with `{"ended": true}` or
`{"failed": REASON}`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import logging
import os
import shutil
import sys
import tempfile
from typing import Any

from tfx_pipeline import errors
from tfx_pipeline.compat.tensorflow_environment import prepare_environment
from tfx_pipeline.components.common.messages import Channel, Pipes


@dataclasses.dataclass(frozen=True)
class Start:
    """What a worker needs for all its trials.

    Attributes:
      run_fn: the dotted path of the function that trains.
      inputs: the Tuner's input artifacts, as TFX's JSON.
      exec_properties: what TFX makes `fn_args` from.
      metric: of the eval split, to report.
    """

    run_fn: str
    inputs: str
    exec_properties: dict[str, str]
    metric: str


class ReportedTrial:
    """A trial whose evaluations are sent through a channel."""

    def __init__(self, channel: Channel, metric: str):
        self.metric = metric
        self.was_reported = False
        self._channel = channel

    def report(self, evaluation: int, value: float) -> bool:
        """Sends a value, and returns the answer: whether the training shall end."""
        self.was_reported = True
        self._channel.send({"evaluation": evaluation, "value": value})
        answer = self._channel.receive()
        return bool(answer is None or answer["stop"])


def main() -> None:
    """Trains the trials that it is given until the channel is closed."""
    # A user's code may print. That must not get into the channel.
    target = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    channel = Pipes(sys.stdin, target)
    asked = channel.receive()
    if asked is None:
        return
    start = Start(**asked)
    prepare_environment()
    _prepare_tensorflow(start)
    with tempfile.TemporaryDirectory(prefix="divisions-") as folder:
        while (request := channel.receive()) is not None:
            reason = _train(start, request["values"], request["division"], folder, channel)
            channel.send({"ended": True} if reason is None else {"failed": reason})


def _prepare_tensorflow(start: Start) -> None:
    from tfx_pipeline.compat import lazy_imports
    from tfx_pipeline.components.common import worker_process

    worker_process.prepare([start.inputs])
    logging.getLogger("absl").setLevel(logging.ERROR)  # the same for each trial
    with lazy_imports.importing():
        from tfx.components.trainer import fn_args_utils  # noqa: F401 - imports all of TFX


def _train(
    start: Start, values: dict[str, Any], division: int, divisions_folder: str, channel: Channel
) -> str | None:
    """Trains one trial; returns why it failed, or None."""
    import tf_keras

    from tfx_pipeline.modeling.trial import TRIAL, TrialEnded
    from tfx_pipeline.user_code import loader

    trial = ReportedTrial(channel, start.metric)
    folder = tempfile.mkdtemp(prefix="trial-")
    try:
        fn_args = _fn_args(start, values, folder)
        if division:
            from tfx_pipeline.components.tuner import divisions

            files = fn_args.train_files, fn_args.eval_files
            written = divisions.write(division, *files, divisions_folder)
            fn_args.train_files, fn_args.eval_files = ([file] for file in written)
        fn_args.custom_config = {**(fn_args.custom_config or {}), TRIAL: trial}
        loader.load(start.run_fn)(fn_args)
    except TrialEnded:
        pass
    except errors.PipelineError as error:
        return " ".join(str(error).split())
    except Exception as error:  # the user's code, or TensorFlow, such as too little memory
        logging.getLogger(__name__).exception("a trial failed")
        return loader.describe(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        tf_keras.backend.clear_session()
        gc.collect()
    if not trial.was_reported:
        return (
            f"{start.run_fn} reported no value; train with training.default_callbacks and "
            "training.fit, or set tuning.tuner_fn"
        )
    return None


def _fn_args(start: Start, values: dict[str, Any], folder: str) -> Any:
    """What TFX's Trainer would give to `run_fn`, with folders that are removed afterwards."""
    from tfx.components.trainer import fn_args_utils
    from tfx.utils import json_utils

    inputs = json_utils.loads(start.inputs)
    result = fn_args_utils.get_common_fn_args(inputs, start.exec_properties, folder)
    result.transform_output = result.transform_graph_path
    result.schema_file = result.schema_path
    for name in ("serving_model_dir", "eval_model_dir", "model_run_dir"):
        setattr(result, name, os.path.join(folder, name))
    result.hyperparameters = {"space": [], "values": values}
    return result


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # the Tuner has ended
        main()
