"""Airflow on one machine: API server, scheduler, DAG processor and triggerer as processes."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping

from tfx_pipeline import errors
from tfx_pipeline.execution import process_supervisor
from tfx_pipeline.orchestrators.airflow.rest_client import AirflowError, Client
from tfx_pipeline.orchestrators.fork_client import last_line

PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")
HOST = "127.0.0.1"
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "SSL_CERT_FILE", "TMPDIR", "TZ", "USER")
_START_SECONDS = 300.0
_STOP_SECONDS = 10.0


class LocalAirflow:
    """Airflow as a context manager. It has no password: every user of this machine can use it.

    Args:
      venv: the environment that Airflow is installed in.
      home: the folder for its database and logs.
      dags: its DAGs folder.
      settings: more variables of Airflow, for example AIRFLOW__CORE__PARALLELISM.
    """

    def __init__(
        self,
        venv: pathlib.Path,
        home: pathlib.Path,
        dags: pathlib.Path,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._venv = venv
        self.home, self.dags = home, dags
        self._settings = dict(settings or {})
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """The URL of Airflow's API server and pages."""
        return f"http://{HOST}:{self._port}"

    def __enter__(self) -> LocalAirflow:
        ensure_installed(self._venv)
        self.logs.mkdir(parents=True, exist_ok=True)
        self._port = _free_port()
        self._environment = self._variables()
        try:
            self._migrate()
            for part in PARTS:
                self._start(part)
            self.client = Client(self.url)
            self._wait_until_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def logs(self) -> pathlib.Path:
        """The folder for the output of each part."""
        return self.home / "processes"

    def _variables(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return {
            **inherited,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(self._port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            **self._settings,
        }

    def _migrate(self) -> None:
        with (self.logs / "migrate.log").open("ab") as log:
            done = subprocess.run(
                [_executable(self._venv), "db", "migrate"],
                env=self._environment,
                stdout=log,
                stderr=log,
                check=False,
            )
        if done.returncode != 0:
            raise self._failed("migrate", done.returncode)

    def _start(self, part: str) -> None:
        # In its own process group, so that Ctrl-C reaches only the caller, which stops the parts.
        with (self.logs / f"{part}.log").open("ab") as log:
            self._processes[part] = subprocess.Popen(
                [_executable(self._venv), part],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=process_supervisor.die_with_parent,
            )

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.ensure_running()
            with contextlib.suppress(AirflowError):
                found = self.client.call("GET", "/monitor/health")
                if all(found[p]["status"] == "healthy" for p in ("scheduler", "dag_processor")):
                    return
            time.sleep(0.5)
        raise AirflowError(f"Airflow did not start in {_START_SECONDS:.0f} s; see {self.logs}")

    def wait_for_dag(self, dag_id: str) -> None:
        """Waits until Airflow has read the DAG.

        Raises:
          AirflowError: its file cannot be imported, or Airflow does not find it.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.ensure_running()
            failures = self.client.call("GET", "/importErrors")["import_errors"]
            if failures:
                raise AirflowError(f"{failures[0]['filename']}: {failures[0]['stack_trace']}")
            if dag_id in {dag["dag_id"] for dag in self.client.call("GET", "/dags")["dags"]}:
                return
            time.sleep(0.5)
        raise AirflowError(f"Airflow found no DAG {dag_id!r} in {self.dags}; see {self.logs}")

    def wait(self) -> None:
        """Waits until Ctrl-C; raises AirflowError when a part ends."""
        while True:
            self.ensure_running()
            time.sleep(1)

    def ensure_running(self) -> None:
        """Raises AirflowError when a part has ended."""
        for part, process in self._processes.items():
            if process.poll() is not None:
                raise self._failed(part, process.returncode)

    def _failed(self, part: str, code: int) -> AirflowError:
        log = self.logs / f"{part}.log"
        return AirflowError(f"Airflow's {part} ended with {code}: {last_line(log)} (see {log})")

    def stop(self) -> None:
        """Stops all parts, first with SIGTERM and then with SIGKILL."""
        for process in self._processes.values():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            _signal(process, signal.SIGKILL)
            process.wait()
        self._processes.clear()


def _signal(process: subprocess.Popen[bytes], signum: signal.Signals) -> None:
    """Signals the process's whole group, which exists as long as one of its children runs."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signum)


def ensure_installed(venv: pathlib.Path) -> None:
    """Raises ConfigError, with the way to install it, if the environment has no Airflow."""
    if not _executable(venv).exists():
        remedy = "In the project's folder: make setup-airflow"
        message = f"Airflow is not installed: there is no {_executable(venv)}"
        raise errors.ConfigError(errors.Problem("", message, remedy))


def _executable(venv: pathlib.Path) -> pathlib.Path:
    return venv / "bin" / "airflow"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])
