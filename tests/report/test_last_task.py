"""`python -m tfx_pipeline.report`: the command that orchestrators run after all nodes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.projects import environment
from tests.report.conftest import copy_of
from tfx_pipeline.ir import pipeline_ir
from tfx_pipeline.ir.data_uri import encode
from tfx_pipeline.report import last_task
from tfx_pipeline.storage.layout import Layout

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def copy(trained, tmp_path):
    """The trained project, whose compiled pipeline names the folder of the copy."""
    project = copy_of(trained, tmp_path / "taxi")
    file = project.home / "runs" / "first" / "pipeline.pb"
    pipeline = pipeline_ir.read(file)
    root = pipeline.runtime_spec.pipeline_root.runtime_parameter.default_value
    root.string_value = str(project.home)
    deployment = pipeline_ir.deployment(pipeline)
    connection = pipeline_ir.metadata_connection(pipeline)
    connection.sqlite.filename_uri = str(project.home / "metadata.db")
    deployment.metadata_connection_config.Pack(connection)
    pipeline.deployment_config.Pack(deployment)
    file.write_bytes(pipeline.SerializeToString())
    return project


def call(project, *arguments: str, run_id: str = "first", pipeline: str | None = None):
    source = pipeline or str(project.home / "runs" / "first" / "pipeline.pb")
    command = [sys.executable, "-m", "tfx_pipeline.report", "--pipeline", source]
    return subprocess.run(
        [*command, "--run-id", run_id, *map(str, arguments)],
        cwd=project.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_writes_the_same_report_as_the_local_run_does(copy, tmp_path):
    file = copy.home / "runs" / "first" / "report.html"
    file.unlink()
    inline = encode((copy.home / "runs" / "first" / "pipeline.pb").read_bytes())
    result, other = tmp_path / "result.json", tmp_path / "outputs" / "report"
    done = call(copy, "--copy", other, "--result", result, pipeline=inline)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == f"Report: {file}"
    assert json.loads(result.read_text()) == {
        "state": "complete", "exit_code": 0, "outputs": {"report": [str(file)]}, "error": None,
    }  # fmt: skip
    html = file.read_text()
    assert other.read_text() == html
    assert "Blessed and pushed" in html
    assert "trip_miles" in html
    assert {path.name for path in file.parent.iterdir()} >= {"report.html", "run.json"}
    assert [p for p in file.parent.iterdir() if p.name.startswith(".report")] == []


def test_it_imports_no_tensorflow(copy):
    code = (
        "import sys; from tfx_pipeline.report import last_task\n"
        "last_task.write(*sys.argv[1:]); print('tensorflow' in sys.modules)"
    )
    source = copy.home / "runs" / "first" / "pipeline.pb"
    command = [sys.executable, "-c", code, source, "first"]
    done = subprocess.run(
        command, cwd=copy.folder, env=environment(), capture_output=True, text=True
    )
    assert done.stdout.strip() == "False", done.stderr


def test_a_run_of_which_no_node_started_has_a_report(copy):
    done = call(copy, run_id="other")
    assert done.returncode == 0, done.stderr
    html = (copy.home / "runs" / "other" / "report.html").read_text()
    assert "Failed at" in html
    assert "0 of 12 nodes ended well" in html


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"run_id": "a/b"}, "--run-id: must be a name without '/', found 'a/b'"),
        ({"pipeline": "nothing.pb"}, "nothing.pb: cannot be read: No such file or directory"),
        ({"pipeline": "pipeline.yaml"}, "pipeline.yaml: not a compiled pipeline"),
    ],
)
def test_wrong_usage_is_one_sentence(copy, tmp_path, options, message):
    result = tmp_path / "result.json"
    done = call(copy, "--result", result, **options)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    found = json.loads(result.read_text())
    assert (found["state"], found["exit_code"]) == ("failed", 2)
    assert message in found["error"]


def test_a_report_that_is_optional_fails_nothing(copy):
    (copy.home / "metadata.db").write_text("not a database at all")
    assert call(copy).returncode == 2
    done = call(copy, "--optional")
    assert done.returncode == 0
    assert "no report was written: ConfigError" in done.stderr
    assert "ML Metadata cannot be" in done.stderr


@pytest.mark.parametrize(
    ("folder", "wanted"),
    [
        ("/build/shop", "/build/shop/runs/r/report.html"),
        ("/build/shop/", "/build/shop/runs/r/report.html"),
        ("s3://bucket/runs/shop", "s3://bucket/runs/shop/runs/r/report.html"),
        ("/my/artifacts", "/my/artifacts/shop/runs/r/report.html"),
        ("shop", "shop/runs/r/report.html"),
    ],
)
def test_where_the_report_is(folder, wanted):
    assert Layout.of_pipeline_root(folder, "shop").report("r") == wanted


def test_the_placeholders_of_the_command_are_those_of_the_nodes():
    from tfx_pipeline.ir.manifest import REPORT_COMMAND, node_command

    assert {p for p in REPORT_COMMAND if "{" in p} == {p for p in node_command("A") if "{" in p}
    names = {option for parameter in last_task.command.params for option in parameter.opts}
    assert {part for part in REPORT_COMMAND if part.startswith("--")} <= names
