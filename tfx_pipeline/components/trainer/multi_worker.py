"""A training in several processes: `training: {strategy: multi_worker}`."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from tfx.utils import json_utils

from tfx_pipeline.components.common import worker_hosts
from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.trainer import local_worker, remote_worker, worker_group
from tfx_pipeline.components.trainer.worker import Task
from tfx_pipeline.config import environment
from tfx_pipeline.config.training import DEFAULT_WORKERS
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.modeling import tf_config


def workers_of(exec_properties: dict[str, Any]) -> int:
    """How many processes train; 1 unless the strategy is `multi_worker`.

    Raises:
      ConfigError: it is no number of workers.
    """
    config = json_utils.loads(exec_properties["custom_config"]) or {}
    section = config.get("training") or {}
    if section.get("strategy") != "multi_worker":
        return 1
    workers = section.get("workers") or DEFAULT_WORKERS
    if not isinstance(workers, int) or workers < DEFAULT_WORKERS:
        raise ConfigError(f"training.workers must be a number from 2 on, found {workers!r}")
    return workers


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
    with tempfile.TemporaryDirectory(prefix="workers-") as folder, contextlib.ExitStack() as stack:
        worker_group.run(_starts(task, workers, folder, stack))


def _starts(
    task: Task, workers: int, folder: str, stack: contextlib.ExitStack
) -> Iterator[Callable[[], worker_group.Worker]]:
    """What starts each worker: on this machine, or on those that the environment names."""
    given, hosts = os.environ.get(tf_config.NAME), worker_hosts.hosts()
    if given is not None:
        workers = _ensure_chief(given)
    if hosts and len(hosts) != workers - 1:
        raise ConfigError(
            f"{environment.WORKERS} names {len(hosts)} machines, and the chief has {workers - 1} "
            "other workers. Set training.workers to the machines and the chief's"
        )
    if hosts:
        remote = [remote_worker.RemoteWorker(host, worker_hosts.key()) for host in hosts]
        for worker in remote:
            stack.callback(worker.stop)
        configs = _tf_configs(given, remote)
        yield functools.partial(local_worker.LocalWorker, task, configs[0], folder)
        for worker, config in zip(remote, configs[1:], strict=True):
            yield functools.partial(worker.start, task, config)
    elif given is not None:  # whoever set it starts the others
        yield functools.partial(local_worker.LocalWorker, task, given, folder)
    else:
        gpus = local_worker.visible_gpus(os.environ)
        yield from local_worker.starts(task, workers, gpus, folder)


def _ensure_chief(given: str) -> int:
    """The number of workers that TF_CONFIG names."""
    count, number = tf_config.place_in_cluster(given)
    if number:
        raise ConfigError(
            f"{tf_config.NAME} names this process as worker {number} of {count}, and a node "
            "runs in the chief. Start `python -m tfx_pipeline.components.worker_host` there"
        )
    return count


def _tf_configs(given: str | None, remote: list[remote_worker.RemoteWorker]) -> list[str]:
    """TF_CONFIG of each worker, the chief's first: the one that is given, or a new one."""
    if given is not None:
        return tf_config.of_each_worker(given)
    own = f"{remote[0].own_host}:{local_worker.free_ports(1)[0]}"
    addresses = [own, *(worker.address for worker in remote)]
    return [tf_config.write(addresses, number) for number in range(len(addresses))]
