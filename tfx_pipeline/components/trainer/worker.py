"""One worker of a training: `python -m tfx_pipeline.components.trainer.worker OUTCOME`.

Reads a task as JSON from standard input, trains, and writes how it ended to the file OUTCOME.
The variable TF_CONFIG says which worker it is. Only the chief writes to the task's outputs.
It ends when its standard input is closed, so that it does not outlive who has started it.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import pathlib
import sys
import tempfile
import threading
import traceback
from typing import Any

from tfx_pipeline import errors
from tfx_pipeline.compat import lazy_imports
from tfx_pipeline.compat.tensorflow_environment import prepare_environment
from tfx_pipeline.components.common import worker_process
from tfx_pipeline.modeling import tf_config
from tfx_pipeline.user_code import loader

REFUSED, CONFIGURATION, FAILED, LOST = "refused", "configuration", "failed", "lost"


@dataclasses.dataclass(frozen=True)
class Task:
    """What the Trainer's executor was given; artifacts as TFX writes them in JSON."""

    inputs: str
    outputs: str
    properties: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Why a worker failed.

    Attributes:
      kind: REFUSED and CONFIGURATION have the error's own message, FAILED is any other error,
        LOST an error of the connection to another worker.
      findings: rows of a refusal, or problems of a configuration, as plain values.
    """

    kind: str
    message: str
    findings: tuple[dict[str, str], ...] = ()

    @classmethod
    def read(cls, found: dict[str, Any] | None) -> Outcome | None:
        """An outcome of its plain values; None if there are none."""
        return cls(found["kind"], found["message"], tuple(found["findings"])) if found else None

    @property
    def error(self) -> errors.PipelineError | None:
        """The error to raise again; None if it needs the worker's number."""
        if self.kind == REFUSED:
            return errors.DataRefused(self.message, [errors.Finding(**f) for f in self.findings])
        if self.kind == CONFIGURATION:
            return errors.ConfigError([errors.Problem(**f) for f in self.findings])
        return None


def main(outcome: str) -> None:
    """Trains, and ends the process."""
    task = Task(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    prepare_environment()
    code = errors.EXIT_OK
    try:
        _train(task)
    except BaseException as error:
        found = _outcome(error)
        if found.kind in (FAILED, LOST):
            traceback.print_exc()
        pathlib.Path(outcome).write_text(json.dumps(dataclasses.asdict(found)), encoding="utf-8")
        code = errors.EXIT_FAILED
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: exit handlers of libraries may wait for other workers.
    os._exit(code)


def read_outcome(path: pathlib.Path) -> Outcome | None:
    """What a worker wrote; None if it ended without writing."""
    if not path.exists():
        return None
    return Outcome.read(json.loads(path.read_text(encoding="utf-8")))


def _end_with_standard_input() -> None:
    while sys.stdin.readline():
        pass
    os._exit(errors.EXIT_FAILED)


def _train(task: Task) -> None:
    with lazy_imports.importing(*lazy_imports.FOR_EXECUTORS):
        from tfx.utils import json_utils

        from tfx_pipeline.components.trainer.executor import Executor

    _, worker = tf_config.place_in_cluster(os.environ.get(tf_config.NAME))
    _prepare_process(task, worker)
    outputs = json_utils.loads(task.outputs)
    with tempfile.TemporaryDirectory(prefix="worker-") as folder:
        if worker:
            for key, (artifact,) in outputs.items():
                artifact.uri = os.path.join(folder, key)
                os.makedirs(artifact.uri)
        Executor().train(json_utils.loads(task.inputs), outputs, task.properties)


def _prepare_process(task: Task, worker: int) -> None:
    """The same as for a node: see `execution.launcher`. Of the others, only warnings are logged."""
    name = f"worker {worker}: " if worker else ""
    logging.basicConfig(format=f"%(asctime)s %(levelname)s {name}%(message)s", force=True)
    for package in ("tfx_pipeline", task.properties["run_fn"].partition(".")[0]):
        logging.getLogger(package).setLevel(logging.WARNING if worker else logging.INFO)
    worker_process.prepare([task.inputs, task.outputs])


def _outcome(error: BaseException) -> Outcome:
    if isinstance(error, errors.Refused):
        return Outcome(REFUSED, str(error), tuple(map(dataclasses.asdict, error.findings)))
    if isinstance(error, errors.ConfigError):
        problems = tuple(map(dataclasses.asdict, error.problems))
        return Outcome(CONFIGURATION, str(error), problems)
    if isinstance(error, errors.PipelineError):
        return Outcome(FAILED, str(error))
    return Outcome(LOST if _is_of_connection(error) else FAILED, loader.describe(error))


def _is_of_connection(error: BaseException) -> bool:
    import tensorflow as tf

    kinds = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
    return isinstance(error, kinds)


if __name__ == "__main__":
    main(sys.argv[1])
