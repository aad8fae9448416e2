"""One Airflow for all tests that need a scheduler; its DAGs folder fills as they go.

It is stopped when the tests of this folder end, because it uses a part of a processor.
"""

from __future__ import annotations

import pathlib
import shutil

import pytest

from tests.conftest import MINIMAL
from tests.orchestrators.airflow.plans import bundled_plan
from tests.orchestrators.airflow.scheduling import SECRET, Scheduled, compile_dag
from tests.projects import make_project
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.orchestrators.airflow.local_airflow import LocalAirflow, ensure_installed

TOY = """
modules: {create_pipeline: toy.create_pipeline}
airflow:
  retries: 1
  retry_delay: 1s
  max_active_runs: 16
  metadata_conn_id: mlmd
"""


@pytest.fixture(scope="session")
def airflow_venv() -> pathlib.Path:
    venv = pathlib.Path(__file__).resolve().parents[3] / ".airflow-venv"
    ensure_installed(venv)
    return venv


@pytest.fixture(scope="session")
def plan() -> Manifest:
    return bundled_plan()


@pytest.fixture(scope="package")
def airflow(airflow_venv, tmp_path_factory):
    """A running Airflow with an empty DAGs folder."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "dags").mkdir()
    settings = {
        "AIRFLOW_CONN_MLMD": f'{{"conn_type": "mysql", "password": "{SECRET}"}}',
        "AIRFLOW__CORE__PARALLELISM": "3",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    }
    with LocalAirflow(airflow_venv, home, home / "dags", settings) as running:
        yield running


@pytest.fixture(scope="package")
def toy(airflow, tmp_path_factory) -> Scheduled:
    """A pipeline of two small nodes (see toy.py)."""
    folder = tmp_path_factory.mktemp("toy")
    make_toy(folder)
    scheduled = Scheduled(airflow, folder, "toy")
    scheduled.compile()
    return scheduled


def make_toy(folder: pathlib.Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "rows.csv").write_text("price,city,bought\n1.5,Rome,1\n2,Oslo,0\n")
    (folder / "pipeline.yaml").write_text(MINIMAL + TOY)
    shutil.copy(pathlib.Path(__file__).with_name("toy.py"), folder)


@pytest.fixture(scope="package")
def taxi(airflow, tmp_path_factory) -> Scheduled:
    """The bundled example; its two outputs were copied into Airflow's DAGs folder."""
    folder = tmp_path_factory.mktemp("scheduled") / "taxi"
    project = make_project(folder)
    done = compile_dag(project.folder, folder / "compiled")
    assert done.returncode == 0, done.stderr
    shutil.copytree(folder / "compiled" / "chicago-taxi", airflow.dags / "chicago-taxi")
    shutil.copy(folder / "compiled" / "chicago-taxi_dag.py", airflow.dags)
    airflow.wait_for_dag("chicago-taxi")
    return Scheduled(airflow, project.folder, "chicago-taxi")
