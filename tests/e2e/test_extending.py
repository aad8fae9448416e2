"""The examples of docs/extending.md, in an empty folder, with the library's wheel installed."""

from __future__ import annotations

import pathlib
import re
import shutil

import pytest

from scripts import check_image
from tests.installation import Installation, executed, install_library
from tests.projects import REPOSITORY

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

PAGE = (REPOSITORY / "docs" / "extending.md").read_text()
BLOCKS = dict(re.findall(r"```(?:python|toml)\n# (\S+\.\w+)\n(.*?)```", PAGE, re.DOTALL))
SPLINE = "features.trip_miles={transform: my_project.treatments.Spline, knots: 5}"


@pytest.fixture(scope="module")
def installation(tmp_path_factory) -> Installation:
    return install_library(tmp_path_factory.mktemp("installed") / "venv")


@pytest.fixture(autouse=True)
def without_own_package(installation):
    """Removes what a test has installed, so that the next one does not find it."""
    yield
    installation.run("pip", "uninstall", "--yes", "my-project", cwd=installation.folder)


@pytest.fixture
def elsewhere(tmp_path) -> pathlib.Path:
    """A working directory that is not the project's folder."""
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


def make_project(folder: pathlib.Path, code: pathlib.Path) -> pathlib.Path:
    """Writes a configuration with data to a folder, and the page's blocks to another."""
    for name in ("data", "schema"):
        shutil.copytree(REPOSITORY / name, folder / name)
    text = (REPOSITORY / "pipeline.yaml").read_text()
    own = """modules:
  preprocessing_fn: my_project.preprocessing.preprocessing_fn
  run_fn: my_project.trainer.run_fn
  extend: [my_project.components.row_count]
"""
    text = re.sub(r"modules:\n(  .*\n)+", own, text).replace("auc: {min: 0.9,", "auc: {min: 0.5,")
    assert "my_project" in text
    (folder / "pipeline.yaml").write_text(text)
    for name, block in BLOCKS.items():
        file = code / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block)
    return folder / "pipeline.yaml"


def test_the_wheel_is_what_is_tested(installation, elsewhere):
    done = installation.run("python", "-c", "import tfx_pipeline as t; print(t)", cwd=elsewhere)
    assert str(installation.folder) in done.stdout


def test_in_the_images_layout_the_cache_sees_project_and_library(installation, tmp_path):
    shutil.copytree(REPOSITORY / "modules", tmp_path / "modules")
    done = installation.run("python", "-c", check_image.OWN_CODE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_own_functions_treatments_and_components_run(installation, tmp_path, elsewhere):
    config = make_project(tmp_path / "taxi", tmp_path / "taxi")
    checked = installation.run("tfx-pipeline", "check", "--config", config, cwd=elsewhere)
    assert checked.returncode == 0, checked.stderr
    run = installation.run_pipeline(config, "--set", SPLINE, cwd=elsewhere)
    assert {node["state"] for node in run["nodes"].values()} == {"complete"}
    (count,) = run["nodes"]["RowCount"]["outputs"]["count"]
    assert 8000 < int(pathlib.Path(count).read_text()) < 10000
    network = (pathlib.Path(run["pushed_model"]) / "keras_metadata.pb").read_bytes()
    assert b"at_night" in network
    assert b"relu" in network, "the treatment is in the network"


def test_exactly_what_depends_on_installed_code_is_executed_again(
    installation, tmp_path, elsewhere
):
    """The image's layout: library and package in site-packages, the project in another folder."""
    code = tmp_path / "code"
    config = make_project(tmp_path / "project", code)
    installation.install(code)

    def run(*options: str) -> set[str]:
        found = installation.run_pipeline(config, "--set", SPLINE, *options, cwd=elsewhere)
        return executed(found)

    def edit(name: str, old: str, new: str) -> None:
        file = code / "my_project" / name
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        installation.install(code)

    after_trainer = {"ExportCheck", "Evaluator", "Pusher"}
    assert run() >= {"ExampleGen", "Transform", "RowCount", "Trainer", *after_trainer}
    edit("trainer.py", "Dense(16", "Dense(24")
    assert run() == {"Trainer", *after_trainer}
    edit("components.py", "row_count(pipeline, config):\n", "row_count(pipeline, config):\n    #\n")
    edit("commands_runner.py", "set -e", "set -eu")  # no node depends on it
    assert run() == {"RowCount"}
    edit("treatments.py", "found.max - found.min", "found.max + 1.0 - found.min")
    assert run("--to", "Trainer") == {"Transform", "Trainer"}


@pytest.mark.parametrize("place", [".", "src"])
def test_an_own_pipeline_replaces_the_standard_one(installation, tmp_path, elsewhere, place):
    config = make_project(tmp_path / "taxi", tmp_path / "taxi" / place)
    component = tmp_path / "taxi" / place / "my_project" / "components.py"
    component.write_text(f"{component.read_text()}\n\n{LOGS}")
    own = (
        "modules={create_pipeline: my_project.pipeline.create_pipeline, "
        "extend: [my_project.components.row_count]}"
    )
    run = installation.run_pipeline(config, "--set", own, cwd=elsewhere)
    names = ["ExampleGen", "StatisticsGen", "RowCount"]
    assert {name: node["state"] for name, node in run["nodes"].items()} == dict.fromkeys(
        names, "complete"
    )
    assert "INFO imported" in pathlib.Path(run["nodes"]["RowCount"]["log"]).read_text()

    if place == ".":
        return
    # The node command, as a container runs it: the working directory is the project.
    (compiled,) = config.parent.glob("build/*/runs/*/pipeline.pb")
    for name in names:
        command = ("-m", "tfx_pipeline.node", "--pipeline", compiled, "--node", name)
        options = ("--run-id", "in-a-container", "--no-cache")
        done = installation.run("python", *command, *options, cwd=config.parent)
        assert done.returncode == 0, done.stderr


LOGS = """\
import logging

logging.getLogger(__name__).info("imported")
"""


def test_a_new_orchestrator_is_one_small_class(installation, tmp_path):
    folder = tmp_path / "taxi"
    make_project(folder, folder)
    installation.install(folder)
    own = "modules={create_pipeline: my_project.pipeline.create_pipeline}"
    command = ("compile", "commands", "--set", own, "--output", "commands")
    done = installation.run("tfx-pipeline", *command, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder / "commands" / "run.sh")
    done = installation.run("sh", "commands/run.sh", "first-run", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^(\w+): complete", done.stderr, re.MULTILINE) == [
        "ExampleGen", "StatisticsGen",
    ]  # fmt: skip


ERRORS = {
    "raises at import": (
        "import json\njson.loads('{')\ndef create_pipeline(config): ...\n",
        "module 'broken' cannot be imported: JSONDecodeError: .*broken.py, line 2",
    ),
    "has no such function": ("def creat_pipeline(config): ...\n", "Did you mean 'creat_pipeline'"),
    "raises": (
        "def create_pipeline(config):\n    return config.no_such_key\n",
        "broken.create_pipeline: raised AttributeError: .*broken.py, line 2",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_in_own_code_is_one_message(installation, tmp_path, elsewhere, name):
    config = make_project(tmp_path / "taxi", tmp_path / "taxi")
    text, message = ERRORS[name]
    (config.parent / "broken.py").write_text(text)
    options = ("--config", config, "--set", "modules={create_pipeline: broken.create_pipeline}")
    done = installation.run("tfx-pipeline", "run", *options, cwd=elsewhere)
    assert done.returncode == 2, done.stderr
    assert re.search(message, done.stderr)
    assert "Traceback" not in done.stderr
    assert "modules.create_pipeline" in done.stderr
    logs = list(config.parent.glob("build/*/runs/*/logs/compile.log"))
    assert all("Traceback" in log.read_text() for log in logs)
    assert bool(logs) is (name != "has no such function")


def test_an_error_in_a_treatment_is_one_message(installation, tmp_path, elsewhere):
    config = make_project(tmp_path / "taxi", tmp_path / "taxi")
    file = config.parent / "my_project" / "treatments.py"
    text = file.read_text().replace("statistics[self.name]", "statistics['nothing']")
    file.write_text(text)
    line = text[: text.index("nothing")].count("\n") + 1
    options = ("--config", config, "--set", SPLINE, "--to", "Transform")
    done = installation.run("tfx-pipeline", "run", *options, cwd=elsewhere)
    assert done.returncode == 1, done.stderr
    assert "features.trip_miles: my_project.treatments.Spline.preprocess raised" in done.stderr
    assert re.search(rf"KeyError: 'nothing' \(.*treatments.py, line {line}\)", done.stderr), (
        done.stderr
    )
    assert "Traceback" not in done.stderr
