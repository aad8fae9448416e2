"""Runs the pipeline as a DAG on an Airflow of its own: `make airflow-demo`."""

from __future__ import annotations

import pathlib
import sys
import time
from typing import Any

if __name__ == "__main__":  # also from a checkout that is not installed
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import click

from tfx_pipeline import terminal
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.models import Config
from tfx_pipeline.execution import process_supervisor
from tfx_pipeline.metadata.run_history import open_runs
from tfx_pipeline.metadata.run_record import Run
from tfx_pipeline.orchestrators.airflow.local_airflow import LocalAirflow, ensure_installed
from tfx_pipeline.orchestrators.airflow.rest_client import Client
from tfx_pipeline.orchestrators.airflow.runner import AirflowRunner

VENV = pathlib.Path(__file__).resolve().parent.parent / ".airflow-venv"
POLL_SECONDS = 1.0
ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")


class Demo:
    """One run of the configured pipeline on a running Airflow."""

    def __init__(self, config: Config, airflow: LocalAirflow):
        self._config = config
        self._airflow = airflow
        self._client: Client = airflow.client

    def run(self) -> tuple[Run, dict[str, dict[str, Any]]]:
        """Makes the pools, triggers the DAG and follows it; returns the run and its tasks."""
        name = self._config.name
        for pool in self._config.airflow.pools:
            body = {"name": pool, "slots": 1, "description": f"for {name}"}
            if pool not in self._pools():
                self._client.call("POST", "/pools", body)
        self._airflow.wait_for_dag(name)
        run_id = self._client.trigger(name)
        say(f"Triggered {name}: {self._airflow.url}/dags/{name}/runs/{run_id}")
        tasks = self._follow(name, run_id)
        return open_runs(self._config).get(f"{name}__{run_id}"), tasks

    def _pools(self) -> set[str]:
        return {pool["name"] for pool in self._client.call("GET", "/pools")["pools"]}

    def _follow(self, name: str, run_id: str) -> dict[str, dict[str, Any]]:
        """Says when a task ends, until the run does."""
        told: set[str] = set()
        while True:
            self._airflow.ensure_running()
            over = self._client.run_state(name, run_id) in ("success", "failed")
            tasks = self._client.tasks(name, run_id)
            for task_id, task in tasks.items():
                if task["state"] in ENDED and task_id not in told:
                    told.add(task_id)
                    say(f"  {task_id}: {task['state']}")
            if over:
                return tasks
            time.sleep(POLL_SECONDS)


def say(text: str) -> None:
    terminal.stderr().print(text)


def print_tasks(tasks: dict[str, dict[str, Any]]) -> None:
    """The task table: what Airflow says of each task."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("task", "state", "seconds", "attempts"):
        table.add_column(column, justify="right" if column in ("seconds", "attempts") else "left")
    for task in sorted(tasks.values(), key=lambda t: t["start_date"] or "~"):
        seconds = "" if task["duration"] is None else f"{task['duration']:.1f}"
        table.add_row(task["task_id"], task["state"] or "", seconds, str(task["try_number"]))
    terminal.stdout().print(table)


def print_outcome(run: Run) -> None:
    console = terminal.stdout()
    console.print(f"Run {run.run_id}: {run.state}")
    for name, value in run.metrics.items():
        console.print(f"  {name}: {value:.4g}")
    console.print(f"Pushed model: {run.pushed_model or 'none'}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@terminal.config_options
@click.option(
    "--home", default="build/airflow", show_default=True, metavar="DIR", help="Airflow's folder."
)
@click.option(
    "--keep/--stop",
    default=None,
    help="Leave Airflow running afterwards.  [default: when a person looks on]",
)
def command(config, overrides, root, home, keep):
    """Run the pipeline as a DAG on an Airflow of its own, on this machine.

    Ends with the exit code of the run: 0 done, 1 a node failed, 3 a gate refused.
    """
    ensure_installed(VENV)
    loaded = load_config(config, overrides, root=root)
    folder = pathlib.Path(home).absolute()
    files = AirflowRunner(loaded, folder / "dags").run()
    say(f"Wrote {files.dag}. Starting Airflow ...")
    # Ctrl-C and SIGTERM both end Airflow before this process.
    with process_supervisor.signals_raise(), LocalAirflow(VENV, folder, files.folder) as airflow:
        say(f"Airflow's web UI: {airflow.url} (no password; only from this machine)")
        run, tasks = Demo(loaded, airflow).run()
        print_tasks(tasks)
        print_outcome(run)
        if sys.stdout.isatty() if keep is None else keep:
            say(f"Airflow's web UI stays at {airflow.url} until Ctrl-C.")
            airflow.wait()
    return run.exit_code


if __name__ == "__main__":
    terminal.main(command)
