"""A real scheduler runs the bundled example to the pushed model, as the local runner does."""

from __future__ import annotations

import pathlib

import pytest

from tests.orchestrators.airflow.scheduling import wait_until
from tfx_pipeline import load_config, open_runs

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow, pytest.mark.slow]

CONSUMER = """
from airflow.sdk import Asset, dag, task

MODEL = Asset(name="chicago-taxi-model", uri="file://{push_dir}")


@dag(dag_id="consumer", schedule=[MODEL], catchup=False)
def consumer():
    @task(inlets=[MODEL])
    def tell(*, inlet_events):
        return inlet_events[MODEL][-1].extra["pushed_model"]

    tell()


consumer()
"""


@pytest.fixture(scope="module")
def push_dir(taxi) -> pathlib.Path:
    return taxi.folder / "build" / "serving" / "chicago-taxi"


@pytest.fixture(scope="module")
def consumer(taxi, push_dir):
    """A DAG of somebody else, which starts when a model is pushed."""
    (taxi.airflow.dags / "consumer_dag.py").write_text(CONSUMER.format(push_dir=push_dir))
    taxi.airflow.wait_for_dag("consumer")


@pytest.fixture(scope="module")
def finished(taxi, consumer) -> str:
    """A run with another number of steps than the configuration says."""
    return taxi.run(steps=200)


@pytest.fixture(scope="module")
def tasks(taxi, finished) -> dict[str, dict]:
    """How its tasks ended, before a test clears one of them."""
    return taxi.tasks(finished)


@pytest.fixture(scope="module")
def run(taxi, finished):
    """The same run as this library sees it."""
    config = load_config(taxi.folder / "pipeline.yaml")
    return open_runs(config).get(taxi.run_name(finished))


def test_every_task_succeeds_at_once(tasks):
    assert len(tasks) == 13
    assert {(task["state"], task["try_number"]) for task in tasks.values()} == {("success", 1)}


def test_the_metrics_are_those_of_the_local_runner(run, trained):
    config = load_config(trained.folder / "pipeline.yaml")
    assert run.metrics == open_runs(config).get("first").metrics
    assert run.state == "complete"


def test_the_report_shows_the_data_and_the_metrics(taxi, finished):
    html = taxi.report(finished).read_text()
    assert "Blessed and pushed" in html
    assert "trip_miles" in html
    assert "auc" in html


def test_the_model_is_pushed(run, push_dir):
    (version,) = push_dir.iterdir()
    assert run.pushed_model == str(version)
    assert (version / "saved_model.pb").stat().st_size > 0


def test_the_parameter_of_the_trigger_counts(taxi, finished):
    from tfx_pipeline.metadata.node_record import properties

    (execution,) = taxi.history.executions("Trainer", taxi.run_name(finished))
    assert properties(execution)["steps"] == 200


def test_links_and_results_lead_to_the_artifacts(taxi, finished, run):
    base = f"/dags/chicago-taxi/dagRuns/{finished}/taskInstances/Trainer"
    links = taxi.airflow.client.call("GET", f"{base}/links")["extra_links"]
    (model,) = run.nodes["Trainer"].outputs["model"]
    assert links == {"Artifacts": f"file://{model}"}
    returned = taxi.airflow.client.call("GET", f"{base}/xcomEntries/return_value")
    assert model in str(returned["value"])


def test_a_pushed_model_starts_other_dags_once(taxi, finished, tasks, run):
    client = taxi.airflow.client

    def consumed():
        runs = client.call("GET", "/dags/consumer/dagRuns")["dag_runs"]
        return [r["dag_run_id"] for r in runs if r["state"] == "success"]

    (consuming,) = wait_until(consumed, "the run of the consumer")
    path = f"/dags/consumer/dagRuns/{consuming}/taskInstances/tell/xcomEntries/return_value"
    assert run.pushed_model in str(client.call("GET", path)["value"])
    taxi.clear(finished, "Pusher")
    wait_until(lambda: taxi.tasks(finished)["Pusher"]["try_number"] == 2, "the second try")
    assert taxi.finish(finished) == "success"
    events = client.call("GET", "/assets/events?limit=1000")["asset_events"]
    assert len([event for event in events if event["name"] == "chicago-taxi-model"]) == 1
