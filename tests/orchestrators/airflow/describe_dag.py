"""Prints what a bare Airflow makes of a DAGs folder, as JSON: `python describe_dag.py FOLDER`."""

import importlib.util
import json
import sys

from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

HEAVY = ("tfx", "tensorflow", "apache_beam", "ml_metadata", "tfx_pipeline")


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
        "teardown": task.is_teardown,
        "fails_the_run": task.on_failure_fail_dagrun,
        "outlets": str(task.outlets),
    }


def main(folder: str) -> None:
    bag = DagBag(dag_folder=folder)
    dags = [DagSerialization.to_dict(dag)["dag"] for dag in bag.dags.values()]
    result = {
        "errors": bag.import_errors,
        "installed": [name for name in HEAVY if importlib.util.find_spec(name)],
        "imported": [name for name in HEAVY if name in sys.modules],
        "dags": dags,
        "tasks": {task.task_id: describe(task) for dag in bag.dags.values() for task in dag.tasks},
    }
    print("\n" + json.dumps(result))


main(sys.argv[1])
