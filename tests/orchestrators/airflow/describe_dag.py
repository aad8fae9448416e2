"""Prints what a bare Airflow makes of a DAGs folder, as JSON: `python describe_dag.py FOLDER`."""

import importlib.util
import json
import pathlib
import sys
import time

from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

HEAVY = ("tfx", "tensorflow", "apache_beam", "ml_metadata", "tfx_pipeline")


def seconds_to_import(path: pathlib.Path) -> float:
    start = time.perf_counter()
    spec = importlib.util.spec_from_file_location(path.stem.replace("-", "_"), path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return time.perf_counter() - start


def describe(task) -> dict:
    timeout = task.execution_timeout
    return {
        "after": sorted(task.downstream_task_ids),
        "pool": task.pool,
        "queue": task.queue,
        "retries": task.retries,
        "retry_delay": task.retry_delay.total_seconds(),
        "execution_timeout": timeout and timeout.total_seconds(),
        "owner": task.owner,
        "on_failure": [str(callback) for callback in task.on_failure_callback or ()],
        "inlets": str(task.inlets),
        "outlets": str(task.outlets),
    }


def main(folder: str) -> None:
    (path,) = pathlib.Path(folder).glob("*_dag.py")
    seconds = min(seconds_to_import(path) for _ in range(3))
    bag = DagBag(dag_folder=folder)
    dags = [DagSerialization.to_dict(dag)["dag"] for dag in bag.dags.values()]
    result = {
        "seconds": seconds,
        "errors": bag.import_errors,
        "installed": [name for name in HEAVY if importlib.util.find_spec(name)],
        "imported": [name for name in HEAVY if name in sys.modules],
        "dags": dags,
        "tasks": {task.task_id: describe(task) for dag in bag.dags.values() for task in dag.tasks},
    }
    print("\n" + json.dumps(result))


main(sys.argv[1])
