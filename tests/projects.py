"""A project of one's own in a temporary folder, and the commands a user runs in it."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]


@dataclasses.dataclass(frozen=True)
class Project:
    """A folder with pipeline.yaml, data, schema and modules."""

    folder: pathlib.Path

    @property
    def home(self) -> pathlib.Path:
        return self.folder / "build" / "chicago-taxi"

    @property
    def data(self) -> pathlib.Path:
        return self.folder / "data" / "taxi" / "trips.csv"

    @property
    def modules(self) -> pathlib.Path:
        """The project's own `modules/`, to edit."""
        return self.folder / "modules"

    @property
    def versions(self) -> list[str]:
        """The pushed versions, whatever else is in the push folder left out."""
        folder = self.folder / "build" / "serving" / "chicago-taxi"
        return sorted(entry.name for entry in folder.glob("*"))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(REPOSITORY / "runners" / "local_runner.py"), *arguments]

    def run(self, *arguments: str, steps: int | None = 200, **variables: str) -> Result:
        """Runs the local runner with `--json`."""
        steps_option = ["--set", f"training.steps={steps}"] if steps else []
        command = self.command("--json", *steps_option, *arguments)
        environ = {**environment(), **variables}
        done = subprocess.run(command, cwd=self.folder, env=environ, **_CAPTURE)
        assert done.stdout.startswith("{"), done.stderr
        return Result(done.returncode, json.loads(done.stdout), done.stderr)

    def result(self, run_id: str) -> dict:
        """The run.json of an earlier run."""
        return json.loads((self.home / "runs" / run_id / "run.json").read_text())

    def node(self, run_id: str, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the node command on a run's compiled pipeline."""
        command = self.node_command(run_id, name, *arguments)
        return subprocess.run(command, cwd=self.folder, env=environment(), **_CAPTURE)

    def node_command(self, run_id: str, name: str, *arguments: str) -> list[str]:
        compiled = self.home / "runs" / run_id / "pipeline.pb"
        command = [sys.executable, "-m", "tfx_pipeline.node", "--pipeline", str(compiled)]
        return [*command, "--node", name, "--run-id", run_id, *arguments]


@dataclasses.dataclass(frozen=True)
class Result:
    """What the local runner answered."""

    exit_code: int
    run: dict
    log: str

    def states(self) -> dict[str, str]:
        return {name: node["state"] for name, node in self.run["nodes"].items()}

    def executed(self) -> set[str]:
        """The nodes that did their work anew; resolvers and importers always do."""
        always = {"ImportSchemaGen", "BaselineResolver"}
        return {name for name, state in self.states().items() if state == "complete"} - always


_CAPTURE = {"capture_output": True, "text": True, "check": False}


def environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path}


def make_project(folder: pathlib.Path) -> Project:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("data", "schema", "modules"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    text = (REPOSITORY / "pipeline.yaml").read_text()
    # Few steps make a modest model; it is the thresholds' tests that ask for more.
    assert "auc: {min: 0.9," in text
    (folder / "pipeline.yaml").write_text(text.replace("auc: {min: 0.9,", "auc: {min: 0.5,"))
    return Project(folder)
