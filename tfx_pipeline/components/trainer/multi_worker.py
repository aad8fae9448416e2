"""A training in several processes: `training: {strategy: multi_worker}`."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

from tfx.utils import json_utils

from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.trainer import local_worker, worker_group
from tfx_pipeline.components.trainer.worker import Task
from tfx_pipeline.config.training import Training
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.modeling import devices
from tfx_pipeline.modeling.feature_table import parse_section


def workers_of(exec_properties: dict[str, Any]) -> int:
    """How many processes train; 1 unless the strategy is `multi_worker`."""
    config = json_utils.loads(exec_properties["custom_config"]) or {}
    section = config.get("training") or {}
    if section.get("strategy") != "multi_worker":
        return 1
    return parse_section(Training, section).processes


def train(
    input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any], workers: int
) -> None:
    """Trains in processes of their own, also the chief: this one watches them all.

    Raises:
      Refused, ConfigError: what a worker raised.
      NodeError: a worker failed in another way, or was killed.
    """
    dumps = json_utils.dumps
    task = Task(dumps(dict(input_dict)), dumps(dict(output_dict)), dict(exec_properties))
    with tempfile.TemporaryDirectory(prefix="workers-") as folder:
        worker_group.run(_starts(task, workers, folder))


def _starts(
    task: Task, workers: int, folder: str
) -> Iterable[Callable[[], worker_group.Worker]]:
    given = os.environ.get(devices.TF_CONFIG)
    if given is None:
        gpus = local_worker.visible_gpus(os.environ)
        return local_worker.starts(task, workers, gpus, folder)
    count, number = devices.place_in_cluster(given)
    if number:
        raise ConfigError(
            f"{devices.TF_CONFIG} names this process as worker {number} of {count}, and a node "
            "runs in the chief. Start `python -m tfx_pipeline.components.trainer.worker_host` there"
        )
    return [functools.partial(local_worker.LocalWorker, task, given, folder)]
