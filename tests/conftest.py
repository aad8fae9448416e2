"""Fixtures that many tests share."""

from __future__ import annotations

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys

import hypothesis
import pytest

from tests import mariadb, postgres
from tests.projects import Project, make_project
from tfx_pipeline.compat.tensorflow_environment import prepare_environment

prepare_environment()
# A slow machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

pytest_plugins = ["tests.distribution"]

PROJECT = pathlib.Path(__file__).resolve().parent.parent

MINIMAL = """\
name: shop
data:
  path: data
label:
  name: bought
  task: binary
features:
  price: {transform: log}
  city: {transform: vocabulary}
"""


@pytest.fixture(scope="session")
def project() -> pathlib.Path:
    """The folder of the project."""
    return PROJECT


@pytest.fixture
def shop(tmp_path) -> pathlib.Path:
    """A small, right configuration with its data; returns the path of the file."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").write_text("price,city,bought\n1.5,Rome,1\n2,Oslo,0\n")
    file = tmp_path / "pipeline.yaml"
    file.write_text(MINIMAL)
    return file


@pytest.fixture
def tfx_pipeline():
    """Runs the command `tfx-pipeline` in a process of its own."""

    def run(*args: str, **options) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tfx_pipeline", *map(str, args)]
        options = {"cwd": PROJECT, **options}
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Project:
    """The bundled example after one run of 200 steps, named `first`.

    All workers of pytest-xdist share it: the first that needs it trains it, the others wait.
    Tests read it or copy it, and change nothing in it.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # each worker's own folder is in the session's
    project, finished = Project(shared / "trained" / "taxi"), shared / "trained" / "finished"
    with (shared / "trained.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            shutil.rmtree(finished.parent, ignore_errors=True)
            first = make_project(project.folder).run("--run-id", "first")
            assert first.exit_code == 0, first.log
            finished.touch()
    return project


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL server for the whole session."""
    with postgres.serve() as running:
        yield running


@pytest.fixture(scope="session")
def mariadb_server():
    """A MariaDB server for the whole session."""
    with mariadb.serve() as running:
        yield running


def pytest_addoption(parser):
    parser.addoption("--golden", action="store_true", help="Write the golden files anew.")


@pytest.fixture
def golden(request):
    """Compares a text with a golden file, or writes the file with `--golden`."""

    def compare(path: pathlib.Path, text: str) -> None:
        if request.config.getoption("--golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert text == path.read_text(), f"{path} differs; look at it, then run with --golden"

    return compare
