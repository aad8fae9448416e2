"""A virtual environment with the library's wheel, as a user installs it.

It shares the dependencies of the environment that runs the tests, but neither its checkout
nor its editable installation.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

from tests.projects import REPOSITORY

_SOURCES = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "requirements", "tfx_pipeline")
_BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@dataclasses.dataclass(frozen=True)
class Installation:
    """A virtual environment in a folder."""

    folder: pathlib.Path

    def run(self, *command: object, cwd: pathlib.Path) -> subprocess.CompletedProcess[str]:
        """Runs a command of the environment, with no PYTHONPATH."""
        variables = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        variables["PATH"] = os.pathsep.join([str(self.folder / "bin"), variables["PATH"]])
        program, *arguments = map(str, command)
        program = str(self.folder / "bin" / program) if program != "sh" else program
        return subprocess.run(
            [program, *arguments], cwd=cwd, env=variables,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def run_pipeline(self, config: pathlib.Path, *arguments: str, cwd: pathlib.Path) -> dict:
        """Runs `tfx-pipeline run` with few steps and returns its JSON document."""
        options = ("--config", config, "--json", "--set", "training.steps=50", *arguments)
        done = self.run("tfx-pipeline", "run", *options, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def install(self, source: pathlib.Path) -> None:
        """Builds a wheel of a folder and installs it in place of an earlier one."""
        wheels = self.folder / "wheels" / source.name
        shutil.rmtree(wheels, ignore_errors=True)
        wheels.mkdir(parents=True)
        shutil.rmtree(source / "build", ignore_errors=True)
        subprocess.run(
            [sys.executable, "-c", _BUILD, str(wheels)], cwd=source, check=True, capture_output=True
        )
        options = ("--quiet", "--no-deps", "--no-index", "--force-reinstall")
        done = self.run("pip", "install", *options, *wheels.glob("*.whl"), cwd=source)
        assert done.returncode == 0, done.stderr


def install_library(folder: pathlib.Path) -> Installation:
    """Makes an environment with the library's wheel in it."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    # A line of a .pth file adds a folder without reading the .pth files in it.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    sources = folder / "sources" / "library"
    for name in _SOURCES:
        origin, target = REPOSITORY / name, sources / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, target)
    installation = Installation(folder)
    installation.install(sources)
    return installation


def executed(run: dict) -> set[str]:
    """The nodes of a run that did their work anew; resolvers and importers always do."""
    states = {name: node["state"] for name, node in run["nodes"].items()}
    always = {"ImportSchemaGen", "BaselineResolver"}
    return {name for name, state in states.items() if state == "complete"} - always
