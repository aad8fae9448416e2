"""The command that writes the DAG: its two outputs, and what keeps it from writing."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

from tests.orchestrators.airflow.conftest import make_toy
from tests.orchestrators.airflow.scheduling import compile_dag
from tests.projects import REPOSITORY, environment
from tfx_pipeline import ConfigError
from tfx_pipeline.orchestrators.airflow.local_airflow import ensure_installed
from tfx_pipeline.orchestrators.airflow.rest_client import AirflowError, Client


@pytest.fixture(scope="module")
def toy_folder(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("toy")
    make_toy(folder)
    return folder


def ir_of(dag_file: pathlib.Path) -> pathlib.Path:
    """The IR that a DAG file names."""
    (assignment,) = [
        node
        for node in ast.parse(dag_file.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PIPELINE"
    ]
    return dag_file.parent / dag_file.stem.removesuffix("_dag") / assignment.value.right.value


@pytest.mark.tensorflow
def test_it_writes_the_dag_file_and_a_folder(toy_folder, tmp_path):
    done = compile_dag(toy_folder, tmp_path / "dags", "--json")
    assert done.returncode == 0, done.stderr
    written = json.loads(done.stdout)
    assert written == {"dag": f"{tmp_path}/dags/shop_dag.py", "folder": f"{tmp_path}/dags/shop"}
    manifest = json.loads((tmp_path / "dags" / "shop" / "manifest.json").read_text())
    ir = tmp_path / "dags" / "shop" / manifest["ir"]
    assert hashlib.sha256(ir.read_bytes()).hexdigest() == manifest["ir_sha256"]
    assert ir_of(tmp_path / "dags" / "shop_dag.py") == ir


@pytest.mark.tensorflow
def test_the_same_command_is_part_of_the_command_line(tfx_pipeline, toy_folder, tmp_path):
    options = ("--config", toy_folder / "pipeline.yaml", "--output", tmp_path)
    done = tfx_pipeline("compile", "airflow", *options, "--set", "airflow.pool=heavy")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{tmp_path}/shop_dag.py", f"{tmp_path}/shop"]
    assert "Create these pools: heavy" in done.stderr


@pytest.mark.tensorflow
@pytest.mark.slow
def test_whoever_reads_meanwhile_never_sees_half(toy_folder, tmp_path):
    dags = tmp_path / "dags"
    assert compile_dag(toy_folder, dags).returncode == 0
    command = [sys.executable, str(REPOSITORY / "runners" / "airflow_runner.py")]
    seeds, seen = iter(range(2, 4)), set()
    writer = None
    while True:
        if writer is None or writer.poll() is not None:
            seed = next(seeds, None)
            if seed is None:
                break
            arguments = ["--output", str(dags), "--set", f"training.seed={seed}"]
            writer = subprocess.Popen([*command, *arguments], cwd=toy_folder, env=environment())
        seen.add(ir_of(dags / "shop_dag.py"))
        manifest = json.loads((dags / "shop" / "manifest.json").read_text())
        for ir, digest in [
            (ir_of(dags / "shop_dag.py"), None),
            (dags / "shop" / manifest["ir"], manifest["ir_sha256"]),
        ]:
            found = hashlib.sha256(ir.read_bytes()).hexdigest()
            assert found.startswith(ir.stem.removeprefix("pipeline-"))
            assert digest in (None, found)
        time.sleep(0.001)  # else the reader takes a processor from the writer
    assert len(seen) >= 3
    assert sorted(path.name for path in dags.iterdir()) == ["shop", "shop_dag.py"]


def test_an_output_folder_that_is_a_file(shop, tmp_path):
    (tmp_path / "dags").touch()
    done = compile_dag(shop.parent, tmp_path / "dags")
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path}/dags: cannot be written: File exists\n"


def test_an_output_folder_that_cannot_be_written(shop, read_only):
    done = compile_dag(shop.parent, read_only / "dags")
    assert done.returncode == 2
    assert f"{read_only}/dags: cannot be written: " in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def read_only() -> pathlib.Path:
    """A folder in which nobody makes a file, root included."""
    return pathlib.Path("/proc/self")


def test_a_schedule_that_does_not_parse(shop, tmp_path):
    done = compile_dag(shop.parent, tmp_path / "dags", "--set", "airflow.schedule='61 * * * *'")
    assert done.returncode == 2
    assert "airflow.schedule: must be a cron expression of 5 fields" in done.stderr
    assert not (tmp_path / "dags").exists()


def test_a_name_that_airflow_refuses(shop, tmp_path):
    done = compile_dag(shop.parent, tmp_path / "dags", "--set", "name=Our Shop!")
    assert done.returncode == 2
    assert "name: must be 1 to 63 lower-case letters, digits and '-'" in done.stderr


def test_without_airflow_one_line_says_how_to_get_it(shop, tmp_path):
    with pytest.raises(ConfigError) as caught:
        ensure_installed(tmp_path)
    (line,) = str(caught.value).splitlines()
    assert line.endswith("In the project's folder: make setup-airflow")


def test_the_demo_says_it_before_it_does_anything(shop, tmp_path):
    copy = shutil.copytree(REPOSITORY / "scripts", tmp_path / "project" / "scripts")
    done = subprocess.run(
        [sys.executable, copy / "airflow_demo.py", "--config", str(shop)],
        env={**os.environ, "PYTHONPATH": f"{copy.parent}:{REPOSITORY}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Airflow is not installed" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "build").exists()


def test_an_airflow_that_does_not_answer():
    with pytest.raises(AirflowError, match=r"http://127.0.0.1:1 cannot be reached"):
        Client("http://127.0.0.1:1").run_state("x", "y")


@pytest.mark.e2e
@pytest.mark.tensorflow
@pytest.mark.slow
def test_the_demo_follows_a_run_and_prints_its_tasks(airflow_venv, tmp_path):
    make_toy(tmp_path)
    config = tmp_path / "pipeline.yaml"
    text = config.read_text().replace("metadata_conn_id: mlmd", "pool: small")
    config.write_text(text)
    command = [sys.executable, str(REPOSITORY / "scripts" / "airflow_demo.py"), "--stop"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[:2] for row in rows if row and row[0] in ("First", "Second")] == [
        ["First", "success"],
        ["Second", "success"],
    ]
    assert "Airflow's web UI: http://127.0.0.1:" in done.stderr
    assert "Run shop__manual__" in done.stdout
