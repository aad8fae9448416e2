"""A real scheduler runs a small pipeline: retries, caches, refusals, kills, edits."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from tests.orchestrators.airflow.scheduling import SECRET, Scheduled, wait_until
from tests.own_pipelines import CONDITION
from tests.projects import environment
from tfx_pipeline.metadata import node_record
from tfx_pipeline.orchestrators.airflow.dag import REPORT_TASK
from tfx_pipeline.orchestrators.airflow.rest_client import AirflowError

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow, pytest.mark.slow]


STRANGE = "'\"$HOME {{ ds }} \\ ; `id` =\n"
MODES = {
    "flaky": {"mode": "fail once"},
    "cleared": {"mode": "cleared"},
    "refused": {"mode": "refuse"},
    "strange": {"mode": STRANGE},
    "unknown": {"mod": "plain"},
    "telling": {"mode": "tell"},
}


@pytest.fixture(scope="module")
def started(toy) -> dict[str, str]:
    """Runs that do not depend on each other, all started at once: their ids."""
    return {name: toy.trigger(**conf) for name, conf in MODES.items()}


@pytest.fixture
def finished(toy, started):
    """Waits for the end of one of them; returns its id."""

    def wait(name: str) -> str:
        toy.finish(started[name])
        return started[name]

    return wait


def test_a_second_run_is_taken_from_the_cache(toy):
    first, second = toy.run(), toy.run()
    for node in ("First", "Second"):
        assert toy.record(first, node).state == node_record.COMPLETE
        assert toy.record(second, node).state == node_record.CACHED
    assert toy.states(second) == dict.fromkeys(["First", "Second", REPORT_TASK], "success")


def test_the_last_task_writes_the_report_and_links_to_it(toy, finished):
    run = finished("cleared")
    file = toy.report(run)
    html = file.read_text()
    assert "No node failed" in html
    assert "First" in html
    assert f"Report: {file}" in toy.log(run, REPORT_TASK)
    path = f"/dags/toy/dagRuns/{run}/taskInstances/{REPORT_TASK}"
    assert toy.airflow.client.call("GET", f"{path}/links")["extra_links"] == {
        "Report": file.as_uri()
    }


def test_a_run_that_failed_has_a_report_and_stays_failed(toy, finished):
    run = finished("refused")
    assert toy.ended(run) == "failed"
    assert toy.states(run)[REPORT_TASK] == "success"
    html = toy.report(run).read_text()
    assert "Refused at First" in html
    assert "The rows are bad." in html
    assert "Second" in html


def test_a_run_of_which_no_node_started_has_a_report(toy, finished):
    run = finished("unknown")
    assert toy.ended(run) == "failed"
    html = toy.report(run).read_text()
    assert "Failed at First" in html
    assert "0 of 2 nodes ended well" in html


def test_a_node_that_fails_first_passes_on_retry(toy, finished):
    run = finished("flaky")
    tasks = toy.tasks(run)
    assert tasks["First"]["try_number"] == 2
    assert {task["state"] for task in tasks.values()} == {"success"}
    executions = toy.history.executions("First", toy.run_name(run))
    assert len(executions) == 1
    assert toy.record(run, "First").state == node_record.COMPLETE
    assert "fails the first time" in toy.log(run, "First", 1)


def test_a_cleared_task_runs_again_and_changes_nothing(toy, finished):
    run = finished("cleared")
    before = toy.record(run, "Second")
    toy.clear(run, "Second")
    wait_until(lambda: toy.tasks(run)["Second"]["try_number"] == 2, "the second try")
    assert toy.finish(run) == "success"
    assert toy.record(run, "Second") == before
    assert len(toy.history.executions("Second", toy.run_name(run))) == 1


def test_a_refusal_fails_without_retries_and_names_the_gate(toy, finished):
    run = finished("refused")
    tasks = toy.tasks(run)
    assert tasks["First"]["state"] == "failed"
    assert tasks["First"]["try_number"] == 1
    assert tasks["Second"]["state"] == "upstream_failed"
    log = toy.log(run, "First")
    assert "First refused, and nothing is pushed: the rows are bad" in log
    assert "price: above 0: -1" in log
    assert toy.record(run, "First").refused


def test_parameters_of_the_trigger_reach_the_node_unharmed(toy, finished):
    run = finished("strange")
    execution = toy.history.executions("First", toy.run_name(run))[-1]
    assert node_record.properties(execution)["mode"] == STRANGE


def test_a_parameter_that_the_pipeline_does_not_have_is_refused_by_the_node(toy, finished):
    run = finished("unknown")
    tasks = toy.tasks(run)
    assert tasks["First"]["state"] == "failed"
    assert tasks["First"]["try_number"] == 1
    log = toy.log(run, "First")
    assert (
        "First cannot run like this: --param: mod: the pipeline has no such runtime parameter"
        in log
    )
    assert "Did you mean 'mode'?" in log


def test_a_parameter_of_another_type_is_refused_at_the_trigger(toy):
    with pytest.raises(AirflowError) as refused:
        toy.trigger(mode=3)
    assert refused.value.status == 400


def test_the_run_keeps_the_pipeline_that_it_began_with(airflow, toy):
    edited = Scheduled(airflow, toy.folder, "edited")
    edited.compile("--set", "airflow.metadata_conn_id=null")
    run = edited.trigger(mode="sleep while edited")
    wait_until(lambda: (toy.folder / "started sleep while edited").exists(), "the first node")
    own = ("--set", "airflow.metadata_conn_id=null", "--set", "training.seed=7")
    edited.compile(*own, "--set", "training.steps=3")
    wait_until(lambda: "Third" in edited.tasks(run), "the node that was added")
    (toy.folder / "go on").touch()
    assert edited.finish(run) == "success"
    (toy.folder / "go on").unlink()
    assert value(edited, run, "double") == 2
    assert "continues with the pipeline it started with" in edited.log(run, "Second")
    assert edited.record(run, "Third") is None
    after = edited.run()
    assert value(edited, after, "double") == 14
    assert edited.record(after, "Third").state == node_record.COMPLETE


def test_killing_a_task_ends_its_children(toy):
    run = toy.trigger(mode="sleep until killed")
    node, child, _ = pids(toy, "sleep until killed")
    path = f"/dags/toy/dagRuns/{run}/taskInstances/First"
    toy.airflow.client.call("PATCH", path, {"new_state": "failed"})
    wait_until(lambda: not (alive(node) or alive(child)), "the end of the node's processes")
    wait_until(lambda: state(toy, run) != node_record.RUNNING, "the end of the execution")
    assert state(toy, run) == node_record.CANCELED
    toy.finish(run)


def test_an_execution_time_out_ends_the_node(airflow, toy):
    started = toy.folder / "started sleep too long"
    for seconds in (25, 100, 400):  # a busy machine needs long until a node has started
        hasty = Scheduled(airflow, toy.folder, f"hasty-{seconds}")
        own = f"airflow.nodes.First={{execution_timeout: {seconds}s, retries: 0}}"
        hasty.compile("--set", own, "--set", "airflow.metadata_conn_id=null")
        run = hasty.trigger(mode="sleep too long")
        if has_started(hasty, run, started):
            break
    node, child, _ = pids(hasty, "sleep too long")
    assert hasty.finish(run) == "failed"
    assert [pid for pid in (node, child) if alive(pid)] == []
    assert state(hasty, run) == node_record.CANCELED


def test_a_node_does_not_outlive_a_task_that_is_killed_hard(toy):
    run = toy.trigger(mode="sleep until orphaned")
    node, child, supervisor = pids(toy, "sleep until orphaned")
    os.kill(parent(supervisor), signal.SIGKILL)
    wait_until(lambda: not (alive(node) or alive(child)), "the end of the node's processes")
    wait_until(lambda: state(toy, run) != node_record.RUNNING, "the end of the execution")
    toy.airflow.client.call("PATCH", f"/dags/toy/dagRuns/{run}", {"state": "failed"})


def test_secrets_are_in_no_file_and_no_log(toy, finished):
    run = finished("telling")
    for name in MODES:  # no file comes or goes while all are read
        finished(name)
    assert toy.states(run)["First"] == "success"
    log = toy.log(run, "First")
    assert "password: ***" in log
    below = [*toy.airflow.home.rglob("*"), *toy.folder.rglob("*")]
    files = [path for path in below if path.is_file() and not path.name.startswith("airflow.db")]
    assert len(files) > 10
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    rendered = toy.tasks(run)["First"]["rendered_fields"]
    assert SECRET not in str(rendered)


def test_nodes_see_nothing_of_airflows_environment(toy, finished):
    finished("telling")
    variables = (toy.folder / "variables").read_text().split()
    assert [name for name in variables if "AIRFLOW" in name] == []
    assert "PYTHONPATH" in variables


def test_a_file_that_appears_starts_a_run(airflow, toy):
    watching = Scheduled(airflow, toy.folder, "watching")
    watching.compile("--set", "airflow.watch=data/READY", "--set", "airflow.metadata_conn_id=null")
    assert runs(watching) == []
    flag = toy.folder / "data" / "READY"
    flag.touch()
    (run,) = wait_until(lambda: runs(watching), "the run that the file starts")
    assert run["run_type"] == "asset_triggered"
    assert watching.finish(run["dag_run_id"]) == "success"
    assert not flag.exists()
    assert watching.record(run["dag_run_id"], "Second").state == node_record.COMPLETE


AS_DAG = """
import sys
from tfx_pipeline.orchestrators.airflow.runner import AirflowRunner
import own_flow

name, limit, dags = sys.argv[1:]
AirflowRunner(own_flow.pipeline(int(limit), name), output=dags).run()
"""


@pytest.mark.parametrize(("limit", "state"), [(3, "complete"), (9, "skipped")])
def test_a_pipeline_object_with_a_condition(airflow, tmp_path, limit, state):
    (tmp_path / "own_flow.py").write_text(CONDITION)
    (tmp_path / "as_dag.py").write_text(AS_DAG)
    name = f"Own_Flow_{state}"
    command = [sys.executable, "as_dag.py", name, str(limit), airflow.dags]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    airflow.wait_for_dag(name)
    flow = Scheduled(airflow, tmp_path, name)
    run = flow.trigger()
    assert flow.finish(run) == "success"
    html = (
        tmp_path / "out" / "pipes" / name / "runs" / flow.run_name(run) / "report.html"
    ).read_text()
    assert all(node in html for node in ("Text", "Print"))
    assert f"Text: {state}" in flow.log(run, "Text")
    assert f"Print: {state}" in flow.log(run, "Print")


def runs(scheduled) -> list[dict]:
    return scheduled.airflow.client.call("GET", f"/dags/{scheduled.name}/dagRuns")["dag_runs"]


def value(scheduled, run: str, key: str) -> int:
    """The number in an artifact of Second."""
    return int(pathlib.Path(scheduled.record(run, "Second").uris()[key][0]).read_text())


def state(toy, run: str) -> str | None:
    record = toy.record(run, "First")
    return record.state if record else None


def has_started(scheduled, run: str, file: pathlib.Path) -> bool:
    """Waits until the first node has started, or until the run has ended without it."""
    wait_until(lambda: file.exists() or scheduled.ended(run), "the first node, or the run's end")
    return file.exists()


def pids(toy, mode: str) -> tuple[int, ...]:
    """The node's process, its child, and the node's parent, which supervises it."""
    file = toy.folder / f"started {mode}"
    wait_until(file.exists, "the first node")
    return tuple(map(int, file.read_text().split()))


def parent(pid: int) -> int:
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def alive(pid: int) -> bool:
    status = pathlib.Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
