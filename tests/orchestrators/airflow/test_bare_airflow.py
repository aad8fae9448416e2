"""What an Airflow that has nothing of this project installed makes of the DAG file."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys

import pytest

from tests.orchestrators.airflow.plans import render
from tfx_pipeline.orchestrators.airflow.dag import REPORT_TASK

DESCRIBE = os.path.join(os.path.dirname(__file__), "describe_dag.py")
SETTINGS = (
    "airflow.schedule='0 3 * * *'",
    "airflow.start_date=2026-03-01",
    "airflow.catchup=true",
    "airflow.max_active_runs=2",
    "airflow.max_active_tasks=1",
    "airflow.retries=4",
    "airflow.retry_delay=30s",
    "airflow.max_retry_delay=10m",
    "airflow.execution_timeout=3h",
    "airflow.pool=small",
    "airflow.queue=cpu",
    "airflow.tags=[tfx, taxi]",
    "airflow.owner=data-team",
    "airflow.on_failure={email: [ops@example.com], callback: json.dumps}",
    "airflow.nodes.Trainer={pool: heavy, queue: gpu, retries: 0, execution_timeout: 1h}",
)


@pytest.fixture(scope="module")
def describe(airflow_venv, tmp_path_factory):
    """Lets Airflow read a DAG file; returns what it found."""

    def run(text: str) -> dict:
        folder = tmp_path_factory.mktemp("dags")
        (folder / "chicago-taxi_dag.py").write_text(text)
        home = {"HOME": str(folder), "AIRFLOW_HOME": str(folder / "home")}
        done = subprocess.run(
            [airflow_venv / "bin" / "python", "-I", DESCRIBE, folder],
            env={**home, "PATH": os.environ["PATH"], "AIRFLOW__CORE__UNIT_TEST_MODE": "False"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture(scope="module")
def bundled(describe, plan) -> dict:
    """The bundled example, all settings left as they are."""
    return describe(render(plan))


def test_it_parses_without_tfx(bundled):
    assert bundled["errors"] == {}
    assert bundled["installed"] == []
    assert bundled["imported"] == []


def test_nodes_become_tasks_with_the_same_edges(bundled, plan):
    tasks = bundled["tasks"]
    edges = {node.id: sorted([*node.downstream, REPORT_TASK]) for node in plan.nodes}
    edges[REPORT_TASK] = []
    assert {name: task["after"] for name, task in tasks.items()} == edges


def test_the_report_is_a_teardown_of_all_nodes(bundled, plan):
    report = bundled["tasks"][REPORT_TASK]
    assert (report["teardown"], report["fails_the_run"]) == (True, False)
    assert [n for n, task in bundled["tasks"].items() if task["teardown"]] == [REPORT_TASK]


def test_without_a_report_there_is_no_such_task(describe, plan):
    found = describe(render(plan.model_copy(update={"report": ()})))
    assert found["errors"] == {}
    assert set(found["tasks"]) == set(plan.node_ids)


def test_parameters_are_typed_with_their_defaults(bundled):
    (dag,) = bundled["dags"]
    params = dict(dag["params"])
    assert params["steps"]["default"] == 1000
    assert params["steps"]["schema"]["__var"] == {"type": "integer"}
    assert params["learning_rate"]["schema"]["__var"] == {"type": "number"}
    assert params["data_path"]["schema"]["__var"] == {"type": "string"}
    assert params["steps"]["description"] == "read by Trainer"


def test_every_setting_arrives(describe, plan):
    found = describe(render(plan, *SETTINGS))
    assert found["errors"] == {}
    (dag,) = found["dags"]
    assert dag["catchup"] is True
    assert dag["max_active_runs"] == 2
    assert dag["max_active_tasks"] == 1
    assert "0 3 * * *" in str(dag["timetable"])
    assert sorted(dag["tags"]) == ["taxi", "tfx"]
    start = datetime.datetime.fromtimestamp(dag["start_date"], datetime.timezone.utc)
    assert (start.year, start.month, start.day) == (2026, 3, 1)
    assert dag["doc_md"].startswith(plan.description)
    trainer, transform = found["tasks"]["Trainer"], found["tasks"]["Transform"]
    assert (trainer["pool"], trainer["queue"], trainer["retries"]) == ("heavy", "gpu", 0)
    assert trainer["execution_timeout"] == 3600
    assert (transform["pool"], transform["queue"], transform["retries"]) == ("small", "cpu", 4)
    assert (transform["retry_delay"], transform["execution_timeout"]) == (30, 3 * 3600)
    assert transform["owner"] == "data-team"
    notifier, function = transform["on_failure"]
    assert "SmtpNotifier" in notifier
    assert "function dumps" in function


def test_a_watched_file_is_an_asset_with_a_watcher(describe, plan):
    found = describe(render(plan, "airflow.watch=/data/READY"))
    assert found["errors"] == {}
    timetable = str(found["dags"][0]["timetable"])
    assert "FileDeleteTrigger" in timetable
    assert "/data/READY" in timetable


def test_the_pusher_announces_the_model(bundled):
    pusher = bundled["tasks"]["Pusher"]
    assert "chicago-taxi-pushed" in pusher["outlets"]
    assert "/build/serving/chicago-taxi" in pusher["inlets"]


def test_a_worker_without_the_project_says_so(airflow_venv, plan, tmp_path):
    dag_file = tmp_path / "chicago-taxi_dag.py"
    dag_file.write_text(render(plan).replace(sys.executable, "/nowhere/python"))
    code = (
        "import sys; from importlib.util import *; from airflow.sdk.exceptions import *\n"
        "s = spec_from_file_location('d', sys.argv[1]); m = module_from_spec(s)\n"
        "s.loader.exec_module(m)\n"
        "try: m.Node.execute.__wrapped__(m.dag.get_task('Trainer'), {})\n"
        "except AirflowFailException as error: print(error)"
    )
    command = [airflow_venv / "bin" / "python", "-I", "-c", code, dag_file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    message = "this worker does not see /nowhere/python of the pipeline"
    assert done.stdout.splitlines()[-1:] == [message], done.stderr
