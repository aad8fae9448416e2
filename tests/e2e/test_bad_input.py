"""Everything a user can get wrong: one clear error, the right exit code, nothing pushed.

Whole runs show what a user sees. What each component refuses is tested beside the components.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.projects import environment
from tests.spoiled import chain, with_value, without_column

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

LIVE = "1700000000"
TFX_PIPELINE = [sys.executable, "-m", "tfx_pipeline"]


@pytest.fixture(scope="module")
def project(project):
    """A project with a pushed version, which is to stay; its files are never loaded here."""
    live = project.folder / "build" / "serving" / "chicago-taxi" / LIVE
    live.mkdir(parents=True)
    (live / "saved_model.pb").write_bytes(b"a model")
    return project


@pytest.fixture
def spoil(project):
    """Rewrites the data for one test, and checks afterwards that nothing was pushed or lost."""
    good, versions = project.data.read_bytes(), project.versions

    def change(edit):
        project.data.write_bytes(edit(good))
        return project

    yield change
    project.data.write_bytes(good)
    assert project.versions == versions


def table(done) -> dict[str, list[str]]:
    """The words of each line that a run printed, by the first one."""
    return {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.strip()}


def test_values_of_a_wrong_type_are_refused_by_example_gen(spoil):
    project = spoil(with_value("trip_miles", "far", every=1000))
    result = project.run(steps=20)
    assert result.exit_code == 3, result.log
    assert result.run["state"] == "refused"
    node = result.run["nodes"]["ExampleGen"]
    assert node["state"] == "failed"
    assert {finding["subject"] for finding in node["findings"]} == {"trip_miles"}
    assert result.states()["Trainer"] == result.states()["Pusher"] == "skipped"
    assert result.run["pushed_model"] is None


def test_what_does_not_fit_the_schema_is_refused_by_the_gate(spoil):
    """Through the command as a user runs it: what it prints, and its exit code."""
    hours, one_class = with_value("trip_start_hour", "25", 50), with_value("big_tipper", "0")
    project = spoil(chain(hours, one_class, without_column("fare")))
    done = run(project, "--run-id", "anomalies", "--set", "training.steps=20")
    assert done.returncode == 3, done.stderr
    states = table(done)
    assert states["ExampleGen"][1] == "complete"
    assert states["DataGate"][1] == "failed"
    assert states["Trainer"][1] == "skipped"
    for subject in ("fare", "trip_start_hour", "big_tipper"):
        assert subject in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    shown = run_in(project, [*TFX_PIPELINE, "show", "anomalies", "--json"])
    findings = json.loads(shown.stdout)["nodes"]["DataGate"]["findings"]
    assert {f["subject"] for f in findings} == {"fare", "trip_start_hour", "big_tipper"}


def test_warn_lets_anomalies_pass(spoil):
    project = spoil(with_value("trip_start_hour", "25", 50))
    warn = ("--set", "schema.on_anomaly=warn")
    result = project.run(*warn, "--to", "Transform", steps=20)
    assert result.exit_code == 0, result.log
    assert result.states()["Transform"] == "complete"


def test_after_a_refusal_the_next_run_works(project):
    good = project.data.read_bytes()
    project.data.write_bytes(b"")
    refused = project.run(steps=20)
    project.data.write_bytes(good)
    assert refused.exit_code == 3, refused.log
    result = project.run("--to", "Transform")
    assert result.exit_code == 0, result.log
    assert result.states()["Transform"] == "complete"
    assert project.versions == [LIVE]


def test_a_feature_that_no_data_has_is_wrong_configuration(project):
    done = run(project, "--set", "features.fair.transform=log")
    assert done.returncode == 2
    assert "Did you mean 'fare'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_schema_that_does_not_parse_is_wrong_configuration(project, tmp_path):
    schema = tmp_path / "bad.pbtxt"
    schema.write_text("feature { name: ")
    done = run(project, "--set", f"schema.path={schema}")
    assert done.returncode == 2
    assert "bad.pbtxt" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_root_that_cannot_be_written_is_wrong_usage(project, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder should be")
    done = run(project, "--root", str(blocked / "below"))
    assert done.returncode == 2
    assert str(blocked) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_module_is_named(project):
    broken = project.modules / "broken.py"
    broken.write_text("import no_such_package\n\n\ndef run_fn(fn_args):\n    pass\n")
    try:
        result = project.run("--set", "modules.run_fn=modules.broken.run_fn", steps=20)
    finally:
        broken.unlink()
    assert result.exit_code == 1
    assert "no_such_package" in result.run["nodes"]["Trainer"]["error"]
    assert result.run["pushed_model"] is None


def test_a_full_disk_is_one_clear_error(project):
    mount = project.folder / "small"
    mount.mkdir()
    small = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(mount)])
    if small.returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        done = run(project, "--root", str(mount))
        assert done.returncode == 1
        assert "no space left" in (done.stderr + done.stdout).lower()
        assert "Traceback" not in done.stderr
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def run(project, *arguments):
    return run_in(project, project.command(*arguments))


def run_in(project, command):
    return subprocess.run(
        command,
        cwd=project.folder,
        env={**environment(), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
