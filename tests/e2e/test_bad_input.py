"""Everything a user can get wrong: one clear error, the right exit code, nothing pushed."""

from __future__ import annotations

import subprocess

import pytest

from tests.projects import environment

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]


@pytest.fixture(scope="module")
def trained(project):
    """A project that has pushed a model."""
    result = project.run("--run-id", "good", steps=20)
    assert result.exit_code == 0, result.log
    return project


@pytest.fixture
def spoil(trained):
    """Rewrites the data for one test, and checks afterwards that nothing was lost."""
    good = trained.data.read_bytes()
    versions = trained.versions

    def change(edit):
        trained.data.write_bytes(edit(good))
        return trained

    yield change
    trained.data.write_bytes(good)
    assert trained.versions == versions


def rows(edit):
    """An edit of the lines of a file."""

    def edited(data):
        return b"".join(edit(data.splitlines(keepends=True)))

    return edited


def without_column(name):
    def edited(lines):
        where = lines[0].decode().strip().split(",").index(name)
        cells = [line.decode().rstrip("\r\n").split(",") for line in lines]
        return [(",".join(c[:where] + c[where + 1 :]) + "\n").encode() for c in cells]

    return rows(edited)


def with_value(column, value, every=1):
    def edited(lines):
        where = lines[0].decode().strip().split(",").index(column)
        result = [lines[0]]
        for number, line in enumerate(lines[1:]):
            cells = line.decode().rstrip("\r\n").split(",")
            if number % every == 0:
                cells[where] = value
            result.append((",".join(cells) + "\n").encode())
        return result

    return rows(edited)


CASES = {
    "an empty file": (lambda data: b"", "ExampleGen", "empty"),
    "a header only": (rows(lambda lines: lines[:1]), "ExampleGen", "row"),
    "ragged rows": (
        rows(lambda lines: [*lines[:50], b"1,2,3\n", *lines[50:]]), "ExampleGen", "51",
    ),
    "invalid UTF-8": (
        rows(lambda lines: [*lines[:50], lines[50].replace(b"Cash", b"C\xffsh"), *lines[51:],
                            lines[1].replace(b"Credit", b"Cr\xffdit")]), "ExampleGen", "UTF-8",
    ),
    "a wrong type": (with_value("trip_miles", "far", every=1000), "ExampleGen", "trip_miles"),
    "a value out of its domain": (with_value("trip_start_hour", "25", 50), "DataGate",
                                  "trip_start_hour"),
    "a label with one class": (with_value("big_tipper", "0"), "DataGate", "big_tipper"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_data_is_refused_at_its_gate(spoil, case):
    edit, gate, word = CASES[case]
    result = spoil(edit).run(steps=20)
    assert result.exit_code == 3, result.log
    assert result.run["state"] == "refused"
    node = result.run["nodes"][gate]
    assert node["state"] == "failed"
    assert word in f"{node['error']} {node['findings']}"
    assert result.run["pushed_model"] is None


def test_a_missing_column_is_refused_by_the_gate(spoil):
    result = spoil(without_column("fare")).run(steps=20)
    assert result.exit_code == 3, result.log
    assert result.run["nodes"]["DataGate"]["findings"][0]["subject"] == "fare"


def test_a_feature_that_no_data_has_is_wrong_configuration(trained):
    done = run(trained, "--set", "features.fair.transform=log")
    assert done.returncode == 2
    assert "Did you mean 'fare'" in done.stderr or "fair" in done.stderr
    assert "Traceback" not in done.stderr


def test_warn_lets_anomalies_pass(spoil):
    project = spoil(with_value("trip_start_hour", "25", 50))
    result = project.run("--set", "schema.on_anomaly=warn", "--to", "Transform", steps=20)
    assert result.exit_code == 0, result.log


def test_a_schema_that_does_not_parse_is_wrong_configuration(trained, tmp_path):
    schema = tmp_path / "bad.pbtxt"
    schema.write_text("feature { name: ")
    done = run(trained, "--set", f"schema.path={schema}")
    assert done.returncode == 2
    assert "bad.pbtxt" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_root_that_cannot_be_written_is_wrong_usage(trained, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder should be")
    done = run(trained, "--root", str(blocked / "below"))
    assert done.returncode == 2
    assert str(blocked) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_module_is_named(trained):
    (trained.modules / "broken.py").write_text(
        "import no_such_package\n\n\ndef run_fn(fn_args):\n    pass\n"
    )
    result = trained.run("--set", "modules.run_fn=modules.broken.run_fn", steps=20)
    assert result.exit_code == 1
    assert "no_such_package" in result.run["nodes"]["Trainer"]["error"]


def test_a_full_disk_is_one_clear_error_and_the_next_run_works(trained):
    mount = trained.folder / "small"
    mount.mkdir()
    small = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(mount)])
    if small.returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        done = run(trained, "--root", str(mount))
        assert done.returncode == 1
        assert "no space left" in (done.stderr + done.stdout).lower()
        assert "Traceback" not in done.stderr
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_the_next_run_works(trained):
    assert trained.run(steps=20).exit_code == 0


def run(project, *arguments):
    return subprocess.run(
        project.command(*arguments),
        cwd=project.folder,
        env={**environment(), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
