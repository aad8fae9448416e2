"""TensorFlow's description of a cluster and of a process's place in it, the variable TF_CONFIG.

It is read without TensorFlow, so that a process which only starts workers is light.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tfx_pipeline.errors import ConfigError

NAME = "TF_CONFIG"
_CHIEF, _WORKER = "chief", "worker"


def write(addresses: Sequence[str], number: int) -> str:
    """The value for one worker of a new cluster; the first address, `host:port`, is the chief's."""
    task = {"type": _WORKER, "index": number}
    return json.dumps({"cluster": {_WORKER: list(addresses)}, "task": task})


def place_in_cluster(text: str | None) -> tuple[int, int]:
    """How many workers TF_CONFIG names, and which one this process is.

    Args:
      text: the variable's value: a JSON object with `cluster`, lists of `host:port` by `chief`
        and `worker`, and `task`, a `type` and an `index`.

    Raises:
      ConfigError: it is absent or not valid.
    """
    places, number = _places(text)
    return len(places), number


def of_each_worker(text: str) -> list[str]:
    """TF_CONFIG of each worker of the same cluster, the chief's first."""
    found = json.loads(text)
    places, _ = _places(text)
    return [json.dumps({**found, "task": {"type": k, "index": i}}) for k, i in places]


def _places(text: str | None) -> tuple[list[tuple[str, int]], int]:
    """The type and index of each task, the chief's first, and the number of this process'."""
    try:
        found = json.loads(text or "null")
    except ValueError as error:
        raise _not_valid(f"is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise _not_valid("is absent" if found is None else "must be a JSON object")
    cluster, task = found.get("cluster"), found.get("task")
    if not isinstance(cluster, dict) or not isinstance(task, dict):
        raise _not_valid("must have the objects 'cluster' and 'task'")
    for kind, addresses in cluster.items():
        if kind not in (_CHIEF, _WORKER):
            raise _not_valid(f"has tasks of the type {kind!r}; only chief and worker can train")
        if not isinstance(addresses, list) or not all(map(_is_address, addresses)):
            raise _not_valid(f"must list cluster.{kind} as HOST:PORT, found {addresses!r}")
    places = [(k, i) for k in (_CHIEF, _WORKER) for i in range(len(cluster.get(k, ())))]
    place = (task.get("type"), task.get("index"))
    if place not in places:
        raise _not_valid(f"names the task {place[0]!r} {place[1]!r}, which its cluster lacks")
    return places, places.index(place)


def _is_address(value: Any) -> bool:
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    return bool(host) and port.isdigit()


def _not_valid(problem: str) -> ConfigError:
    return ConfigError(
        f"training.strategy: multi_worker needs the environment variable {NAME}, which "
        f"{problem}. The node Trainer sets it; in a cluster, Kubeflow Trainer does"
    )
