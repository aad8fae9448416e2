"""The emitted commands, run as a cluster runs them, on a real MariaDB, to the pushed model."""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
import subprocess
import sys

import pytest

from tests import mariadb
from tests.orchestrators.kubeflow import lint, plans
from tests.orchestrators.kubeflow.cluster import Attempt, Cluster
from tests.orchestrators.kubeflow.conftest import load_all
from tests.projects import REPOSITORY, Project, environment, make_project
from tfx_pipeline import load_config, open_runs
from tfx_pipeline.config.environment import METADATA_PASSWORD
from tfx_pipeline.config.models import Config
from tfx_pipeline.metadata import database
from tfx_pipeline.metadata.history import History
from tfx_pipeline.metadata.run_history import Runs
from tfx_pipeline.metadata.run_record import Run

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow, pytest.mark.slow]

SECRETS = {
    "tfx-pipeline-mysql": {"password": mariadb.PASSWORD},
    "tfx-pipeline-s3": {"access-key": "not used", "secret-key": "not used"},
}


NODES = {step.name for step in plans.bundled().steps}


@dataclasses.dataclass(frozen=True)
class Deployed:
    """A project, its pipeline as a cluster has it, and what its runs left.

    `runs` and `history` connect when they are first read: the steps make the database.
    """

    project: Project
    cluster: Cluster
    text: str
    config: Config

    @functools.cached_property
    def runs(self) -> Runs:
        return open_runs(self.config)

    @functools.cached_property
    def history(self) -> History:
        connection = database.connection_config(self.config.metadata, "not used")
        return History(database.open_store(connection), self.config.name)

    def states(self, run_id: str) -> dict[str, str]:
        return {name: node.state for name, node in self.runs.get(run_id).nodes.items()}


@pytest.fixture(scope="module")
def deployed(mariadb_server, tmp_path_factory):
    """The bundled example, compiled for a cluster whose volume is a folder here."""
    folder = tmp_path_factory.mktemp("cluster")
    project = make_project(folder / "taxi")
    volume = folder / "volume"
    settings = [
        f"metadata={mariadb_server.uri('mlmd')}",
        "training.steps=200",
        f"kubeflow.volumes=[{{claim: data, mount_path: {volume}}}]",
    ]
    written = write(project, folder / "taxi.yaml", "--root", str(volume), *sets(settings))
    assert written.returncode == 0, written.stderr
    assert "warning" not in written.stderr
    text = (folder / "taxi.yaml").read_text()
    (folder / "logs").mkdir()
    cluster = Cluster(*load_all(text), project.folder, SECRETS, folder / "logs")
    config = load_config(project.folder / "pipeline.yaml", settings, root=volume)
    os.environ[METADATA_PASSWORD] = mariadb.PASSWORD
    try:
        yield Deployed(project, cluster, text, config)
    finally:
        del os.environ[METADATA_PASSWORD]


def write(project: Project, file: pathlib.Path, *arguments: str):
    script = str(REPOSITORY / "runners" / "kubeflow_runner.py")
    command = [sys.executable, script, "--image", "registry.example/taxi:1", "--output", str(file)]
    return subprocess.run(
        [*command, *arguments],
        cwd=project.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def sets(settings: list[str]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


@pytest.fixture(scope="module")
def first(deployed) -> list[Attempt]:
    """The attempts of the first run, in which the Trainer is killed once."""
    killed = []

    def kill_the_trainer(attempt: Attempt) -> None:
        if attempt.task == "trainer" and not killed and "Trainer" in deployed.runs.get("one").nodes:
            killed.append(attempt)
            attempt.kill()

    return deployed.cluster.run("one", watch=kill_the_trainer)


def logs(attempts: list[Attempt]) -> str:
    return "\n".join(f"{a.task} {a.code}\n{a.log.read_text()[-2000:]}" for a in attempts if a.code)


def test_the_backend_would_take_what_the_command_wrote(deployed):
    assert lint.problems(*load_all(deployed.text)) == []
    assert mariadb.PASSWORD not in deployed.text
    assert str(deployed.project.folder) not in deployed.text


def test_every_step_ended_well(first):
    assert {a.task for a in first if a.code == 0} == {*NODES, "run-report"}, logs(first)
    assert first[-1].task == "run-report"


def test_the_report_is_beside_the_artifacts_and_an_artifact_of_kubeflow(first, deployed):
    file = pathlib.Path(deployed.config.root) / "chicago-taxi" / "runs" / "one" / "report.html"
    html = file.read_text()
    assert "Blessed and pushed" in html
    assert "trip_miles" in html
    assert pathlib.Path(deployed.cluster.output("one", "report")).read_text() == html


def test_two_roots_began_together_on_an_empty_database(first, mariadb_server):
    starts = {a.task: (a.started, a.ended) for a in first}
    generated, imported = starts["example-gen"], starts["import-schema-gen"]
    assert max(generated[0], imported[0]) < min(generated[1], imported[1])
    assert len(mariadb_server.query("SELECT schema_version FROM MLMDEnv", "mlmd")) == 1


def test_a_killed_step_was_retried_as_the_same_execution(first, deployed):
    assert [a.code for a in first if a.task == "trainer"] == [-9, 0], logs(first)
    assert deployed.states("one")["Trainer"] == "complete"
    rows = deployed.history.executions("Trainer", "one")
    assert len(rows) == 1


def test_metrics_are_those_of_the_local_runner(first, deployed, trained):
    here, local = deployed.runs.get("one"), local_run(trained)
    assert here.blessed is local.blessed is True
    assert here.metrics == pytest.approx(local.metrics, rel=1e-4)


def local_run(trained: Project) -> Run:
    config = load_config(trained.folder / "pipeline.yaml")
    return open_runs(config).get("first")


def test_the_pushed_model_is_that_of_the_local_runner(first, deployed, trained):
    import numpy as np
    import tensorflow as tf

    models = [deployed.runs.get("one").pushed_model, local_run(trained).pushed_model]
    loaded = [tf.train.load_checkpoint(f"{path}/variables/variables") for path in models]
    names = [sorted(each.get_variable_to_shape_map()) for each in loaded]
    assert names[0] == names[1]
    numeric = [n for n in names[0] if loaded[0].get_variable_to_dtype_map()[n].is_floating]
    assert len(numeric) > 5
    for name in numeric:
        here, local = (each.get_tensor(name) for each in loaded)
        np.testing.assert_allclose(here, local, rtol=1e-3, atol=1e-4, err_msg=name)


def test_a_second_run_hits_the_cache_and_resolves_the_first_ones_model(first, deployed):
    attempts = deployed.cluster.run("two", {"steps": 240})
    assert [a for a in attempts if a.code] == [], logs(attempts)
    before, run = deployed.runs.get("one"), deployed.runs.get("two")
    cached = {node for node, result in run.nodes.items() if result.state == "cached"}
    looking = {"ExampleGen", "ImportSchemaGen", "StatisticsGen", "SchemaGen", "ExampleValidator"}
    assert cached == looking | {"DataGate", "Transform"}
    baseline = run.nodes["BaselineResolver"].outputs["model"]
    assert baseline == before.nodes["Trainer"].outputs["model"]
    assert run.blessed
    assert run.pushed_model != before.pushed_model


def test_changed_data_misses_the_cache(first, deployed):
    data = deployed.project.data
    before = data.read_bytes()
    data.write_bytes(before + before.splitlines(keepends=True)[-1])
    try:
        attempts = deployed.cluster.run("three", only={"example-gen", "statistics-gen"})
    finally:
        data.write_bytes(before)
    assert [a.code for a in attempts] == [0, 0], logs(attempts)
    assert deployed.states("three") == {"ExampleGen": "complete", "StatisticsGen": "complete"}


def test_a_step_whose_upstream_is_missing_fails(first, deployed):
    versions = len(list(pathlib.Path(deployed.runs.get("one").pushed_model).parent.iterdir()))
    *attempts, report = deployed.cluster.run("four", only={"pusher", "run-report"})
    attempt = attempts[0]
    assert (attempt.code, report.code) == (1, 0)
    html = pathlib.Path(deployed.cluster.output("four", "report")).read_text()
    assert "0 of 12 nodes ended well" in html
    assert "upstream node Evaluator has not run in run four" in attempt.log.read_text()
    folder = pathlib.Path(deployed.runs.get("one").pushed_model).parent
    assert len(list(folder.iterdir())) == versions
