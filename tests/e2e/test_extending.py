"""The examples of docs/extending.md, written to a project and run."""

from __future__ import annotations

import importlib
import pathlib
import re

import pytest

from tests.projects import REPOSITORY
from tfx_pipeline import load_config

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

PAGE = (REPOSITORY / "docs" / "extending.md").read_text()
BLOCKS = dict(re.findall(r"```python\n# (\S+\.py)\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture(scope="module")
def own(project):
    """A project with the package `my_project` of the page beside pipeline.yaml."""
    for name, text in BLOCKS.items():
        file = project.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return project


def test_own_functions_and_components_run_in_the_standard_pipeline(own):
    result = own.run(
        "--set", "modules.preprocessing_fn=my_project.preprocessing.preprocessing_fn",
        "--set", "modules.run_fn=my_project.trainer.run_fn",
        "--set", "modules.extend=[my_project.components.row_count]",
        steps=50,
    )  # fmt: skip
    assert result.exit_code == 0, result.log
    assert set(result.states().values()) == {"complete"}
    (count,) = result.run["nodes"]["RowCount"]["outputs"]["count"]
    assert 8000 < int(pathlib.Path(count).read_text()) < 10000
    network = pathlib.Path(result.run["pushed_model"]) / "keras_metadata.pb"
    assert b"at_night" in network.read_bytes()


def test_an_own_pipeline_replaces_the_standard_one(own):
    path = "my_project.pipeline.create_pipeline"
    result = own.run("--set", f"modules.create_pipeline={path}", "--no-cache")
    assert result.exit_code == 0, result.log
    assert result.states() == {"ExampleGen": "complete", "StatisticsGen": "complete"}


def test_a_new_orchestrator_is_one_small_class(own, monkeypatch):
    monkeypatch.syspath_prepend(own.folder)
    runner = importlib.import_module("my_project.commands_runner")
    script = runner.CommandsRunner(load_config(own.folder / "pipeline.yaml")).run()
    first, *commands = script.splitlines()
    assert first == "set -e"
    nodes = [re.search(r"--node (\w+)", command)[1] for command in commands]
    assert len(nodes) == len(set(nodes)) == 12
    assert nodes.index("Transform") < nodes.index("Trainer") < nodes.index("Pusher")
