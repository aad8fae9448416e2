"""A project whose pipeline a real Airflow runs, and how tests talk to both."""

from __future__ import annotations

import dataclasses
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.projects import REPOSITORY, environment
from tfx_pipeline.metadata import database, node_record
from tfx_pipeline.metadata.history import History
from tfx_pipeline.orchestrators.airflow.local_airflow import LocalAirflow

SECRET = "correct-horse-battery"
PATIENCE = 900.0
"""Seconds after which waiting is given up; only a hang takes so long."""


def wait_until(true: Callable[[], Any], what: str) -> Any:
    """Polls until `true` returns something true, and returns that."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = true()
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError(f"{what}: not within {PATIENCE:.0f} s")


def compile_dag(folder: pathlib.Path, output: pathlib.Path, *arguments: str):
    """Runs the Airflow runner in a project's folder."""
    command = [sys.executable, str(REPOSITORY / "runners" / "airflow_runner.py")]
    return subprocess.run(
        [*command, "--output", str(output), *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@dataclasses.dataclass(frozen=True)
class Scheduled:
    """A project and the DAG of its pipeline in a running Airflow."""

    airflow: LocalAirflow
    folder: pathlib.Path
    name: str

    def compile(self, *arguments: str) -> None:
        done = compile_dag(self.folder, self.airflow.dags, "--set", f"name={self.name}", *arguments)
        assert done.returncode == 0, done.stderr
        self.airflow.wait_for_dag(self.name)

    def trigger(self, **conf: Any) -> str:
        return self.airflow.client.trigger(self.name, conf=conf)

    def run(self, **conf: Any) -> str:
        """Triggers a run and waits for its end; returns its id."""
        run_id = self.trigger(**conf)
        self.finish(run_id)
        return run_id

    def ended(self, run_id: str) -> str | None:
        """The state of a run that has ended; None before."""
        self.airflow.ensure_running()
        found = self.airflow.client.run_state(self.name, run_id)
        return found if found in ("success", "failed") else None

    def finish(self, run_id: str) -> str:
        """Waits for the end of a run; returns its state."""
        return wait_until(lambda: self.ended(run_id), f"the end of {self.name} {run_id}")

    def tasks(self, run_id: str) -> dict[str, dict[str, Any]]:
        return self.airflow.client.tasks(self.name, run_id)

    def states(self, run_id: str) -> dict[str, str]:
        return {name: task["state"] for name, task in self.tasks(run_id).items()}

    def log(self, run_id: str, task: str, attempt: int = 1) -> str:
        return self.airflow.client.log(self.name, run_id, task, attempt)

    def clear(self, run_id: str, task: str) -> None:
        """Clears a task as the button in the web UI does."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": [task], "only_failed": False}
        self.airflow.client.call("POST", f"/dags/{self.name}/clearTaskInstances", body)

    @property
    def history(self) -> History:
        """What ML Metadata says."""
        path = self.folder / "build" / self.name / "metadata.db"
        store = database.open_store(database.connection_config("sqlite", path))
        return History(store, self.name)

    def record(self, run_id: str, node: str) -> node_record.NodeRecord | None:
        return self.history.record(node, self.run_name(run_id))

    def report(self, run_id: str) -> pathlib.Path:
        """The file of a run's report."""
        folder = self.folder / "build" / self.name / "runs" / self.run_name(run_id)
        return folder / "report.html"

    def run_name(self, run_id: str) -> str:
        """The id that ML Metadata knows a run of Airflow by."""
        return f"{self.name}__{run_id}"
