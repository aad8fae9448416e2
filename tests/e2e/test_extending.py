"""The examples of docs/extending.md, written to a project and run."""

from __future__ import annotations

import re

import pytest

from tests.projects import REPOSITORY

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

PAGE = (REPOSITORY / "docs" / "extending.md").read_text()
BLOCKS = dict(re.findall(r"```python\n# (\S+\.py)\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture(scope="module")
def own(project):
    modules = project.copy_modules()
    for name, text in BLOCKS.items():
        if name.startswith("modules/"):
            (modules.parent / name).write_text(text)
    return project


def test_the_page_shows_each_way_of_extending():
    assert len([name for name in BLOCKS if name.startswith("modules/")]) == 4


def test_own_functions_and_components_run_in_the_standard_pipeline(own):
    result = own.run(
        "--set", "modules.preprocessing_fn=modules.my_preprocessing.preprocessing_fn",
        "--set", "modules.run_fn=modules.my_trainer.run_fn",
        "--set", "modules.extend=[modules.my_components.row_count]",
        "--set", "evaluation.thresholds.auc.min=0.5",
        steps=50,
    )  # fmt: skip
    assert result.exit_code == 0, result.log
    assert result.states()["RowCount"] == "complete"
    assert result.run["pushed_model"]


def test_an_own_pipeline_replaces_the_standard_one(own):
    result = own.run("--set", "modules.create_pipeline=modules.my_pipeline.create_pipeline")
    assert result.exit_code == 0, result.log
    assert set(result.states()) == {"ExampleGen", "StatisticsGen"}


def test_a_new_orchestrator_is_one_small_class(own):
    from tfx_pipeline import load_config

    namespace: dict = {}
    exec(BLOCKS["my_runner.py"], namespace)
    script = namespace["CommandsRunner"](load_config(own.folder / "pipeline.yaml")).run()
    lines = script.splitlines()
    assert lines[0] == "set -e"
    assert any("--node Pusher" in line for line in lines)
