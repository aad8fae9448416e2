"""A Trainer or a Tuner in several pods: the node command is the chief, others are Argo's daemons.

A daemon runs until the template that started it has ended, and Argo gives its address to the
tasks after it. So the workers need no Service and no rights in the cluster: they wait, and the
chief sends them their task.
"""

from __future__ import annotations

from typing import Any

from tfx_pipeline.config import environment

Document = dict[str, Any]

PORT = 2223
"""Where a worker waits for the chief."""

_WAIT = ["python", "-m", "tfx_pipeline.components.worker_host", "--port", str(PORT)]
# Unique for each run, and known to its pods only.
_KEY = {"name": environment.WORKERS_KEY, "value": "{{workflow.uid}}"}
_INPUT = "workers"


def templates(template: Document, workers: int) -> list[Document]:
    """The templates of a step with several workers.

    Args:
      template: the step as a single container.
      workers: all of them, the chief included.

    Returns:
      A DAG of the step's name, a template for each worker, and one for the chief. All pods have
      the step's resources.
    """
    name = template["name"]
    worker, chief = f"{name}-worker", f"{name}-chief"
    names = [f"worker-{number}" for number in range(1, workers)]
    hosts = ",".join(f"{{{{tasks.{each}.ip}}}}:{PORT}" for each in names)
    task = {
        "name": "chief",
        "template": chief,
        "dependencies": names,
        "arguments": {"parameters": [{"name": _INPUT, "value": hosts}]},
    }
    tasks = [*({"name": each, "template": worker} for each in names), task]
    return [
        {"name": name, "dag": {"tasks": tasks}},
        _worker(template, worker),
        _chief(template, chief),
    ]


def _worker(template: Document, name: str) -> Document:
    container = {
        **_with_variables(template["container"], _KEY),
        "command": _WAIT[:1],
        "args": _WAIT[1:],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 5},
    }
    # A worker that is started again would not be waited for: the chief fails and is retried.
    kept = {key: value for key, value in template.items() if key != "retryStrategy"}
    return {**kept, "name": name, "daemon": True, "container": container}


def _chief(template: Document, name: str) -> Document:
    hosts = {"name": environment.WORKERS, "value": f"{{{{inputs.parameters.{_INPUT}}}}}"}
    return {
        **template,
        "name": name,
        "inputs": {"parameters": [{"name": _INPUT}]},
        "container": _with_variables(template["container"], hosts, _KEY),
    }


def _with_variables(container: Document, *variables: Document) -> Document:
    return {**container, "env": [*container.get("env", []), *variables]}
