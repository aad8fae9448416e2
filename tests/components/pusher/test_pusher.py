"""Pushing: completely or not at all, and only with both blessings."""

from __future__ import annotations

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import pytest
from tfx.types import channel_utils, standard_artifacts

from tfx_pipeline import errors
from tfx_pipeline.components.common.executor_outcome import REFUSED_CODE
from tfx_pipeline.components.pusher import component as pusher
from tfx_pipeline.components.pusher import executor, versioned_folder

pytestmark = pytest.mark.tensorflow


def artifact(kind, folder: pathlib.Path, **numbers: int):
    folder.mkdir(parents=True, exist_ok=True)
    result = kind()
    result.uri = str(folder)
    for name, value in numbers.items():
        result.set_int_custom_property(name, value)
    return result


@pytest.fixture
def saved(tmp_path) -> pathlib.Path:
    """A folder that looks like a SavedModel."""
    folder = tmp_path / "model" / "Format-Serving"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"weights")
    return folder


@pytest.fixture
def push(tmp_path, saved):
    """Runs the executor; returns its result and the pushed model."""

    def run(push_dir, blessed=1, infra_blessed=1, without=()):
        inputs = {
            "model": [artifact(standard_artifacts.Model, saved.parent)],
            "model_blessing": [
                artifact(standard_artifacts.ModelBlessing, tmp_path / "mb", blessed=blessed)
            ],
            "infra_blessing": [
                artifact(standard_artifacts.InfraBlessing, tmp_path / "ib", blessed=infra_blessed)
            ],
        }
        component = pusher.Pusher(
            *(channel_utils.as_channel(inputs[key]) for key in inputs), push_dir=str(push_dir)
        )
        pushed = artifact(standard_artifacts.PushedModel, tmp_path / "pushed")
        given = {key: value for key, value in inputs.items() if key not in without}
        result = executor.Executor().Do(
            given, {"pushed_model": [pushed]}, dict(component.exec_properties)
        )
        return result, pushed

    return run


def names(folder: pathlib.Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_blessed_model_is_pushed_completely(push, tmp_path):
    before = int(time.time())
    result, pushed = push(tmp_path / "live")
    assert result is None
    (version,) = names(tmp_path / "live")
    assert before <= int(version) <= time.time()
    target = tmp_path / "live" / version
    assert (target / "saved_model.pb").read_bytes() == b"graph"
    assert (target / "variables" / "variables.index").read_bytes() == b"weights"
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_destination") == str(target)
    assert pushed.get_string_custom_property("pushed_version") == version
    assert (pathlib.Path(pushed.uri) / "saved_model.pb").exists()


@pytest.mark.parametrize("blessings", [{"blessed": 0}, {"infra_blessed": 0}])
def test_a_model_that_is_not_blessed_stays_where_it_is(push, tmp_path, blessings):
    result, pushed = push(tmp_path / "live", **blessings)
    assert result is None
    assert pushed.get_int_custom_property("pushed") == 0
    assert pushed.has_custom_property("pushed")
    assert not (tmp_path / "live").exists()


@pytest.mark.parametrize("missing", ["model_blessing", "infra_blessing"])
def test_a_missing_blessing_refuses(push, tmp_path, missing):
    result, _ = push(tmp_path / "live", without=[missing])
    assert result.execution_result.code == REFUSED_CODE
    assert "no blessing" in result.execution_result.result_message
    assert not (tmp_path / "live").exists()


def test_every_input_is_required():
    """TFX's own spec has the blessings optional, and then pushes without them."""
    assert not any(parameter.optional for parameter in pusher.PusherSpec.INPUTS.values())


def test_versions_only_grow(push, tmp_path):
    ahead = int(time.time()) + 1000
    (tmp_path / "live" / str(ahead)).mkdir(parents=True)
    (tmp_path / "live" / "not a version").mkdir()
    for expected in (ahead + 1, ahead + 2):
        _, pushed = push(tmp_path / "live")
        assert pushed.get_string_custom_property("pushed_version") == str(expected)


def test_a_version_that_another_push_takes_in_between_is_not_changed(tmp_path, saved, monkeypatch):
    live = tmp_path / "live"
    flush = versioned_folder.flush

    def flush_late(folder):
        flush(folder)
        version = pathlib.Path(folder).name.split("-")[1]
        (live / version).mkdir()
        (live / version / "saved_model.pb").write_text("theirs")

    monkeypatch.setattr(versioned_folder, "flush", flush_late)
    mine = pathlib.Path(versioned_folder.push(str(saved), str(live)))
    assert (mine / "saved_model.pb").read_bytes() == b"graph"
    assert (live / str(int(mine.name) - 1) / "saved_model.pb").read_text() == "theirs"


def test_what_crashed_pushes_left_is_removed_and_what_others_write_is_not(push, tmp_path):
    live = tmp_path / "live"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = socket.gethostname()
    stale = [f".tmp-1-{host}-{dead.pid}", ".tmp-2-elsewhere-1"]
    busy = [f".tmp-3-{host}-{os.getppid()}", ".tmp-4-elsewhere-1", ".tmpfile"]
    for name in stale + busy:
        (live / name).mkdir(parents=True)
    long_ago = time.time() - 4000
    os.utime(live / stale[1], (long_ago, long_ago))
    push(live)
    assert [name for name in names(live) if name.startswith(".")] == sorted(busy)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device", "/live/x")])
def test_a_full_disk_leaves_no_partial_version(push, tmp_path, monkeypatch, failure):
    (tmp_path / "live" / "1").mkdir(parents=True)

    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(shutil, "copyfile", fail)
    with pytest.raises(errors.PipelineError, match="No space left on device") as caught:
        push(tmp_path / "live")
    assert str(tmp_path / "live") in str(caught.value)
    assert names(tmp_path / "live") == ["1"]


def test_a_push_folder_that_cannot_be_written_is_named(push, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.PipelineError, match="Not a directory") as caught:
        push(tmp_path / "file" / "live")
    assert str(tmp_path / "file") in str(caught.value)


class Remote:
    """TFX's file system calls, recorded."""

    def __init__(self, fail_on: str = ""):
        self.copied: list[str] = []
        self.removed: list[str] = []
        self._fail_on = fail_on

    def install(self, monkeypatch):
        monkeypatch.setattr(versioned_folder.fileio, "exists", lambda _: True)
        monkeypatch.setattr(versioned_folder.fileio, "listdir", lambda _: ["9999999999/", "x"])
        monkeypatch.setattr(versioned_folder.fileio, "rmtree", self.removed.append)
        monkeypatch.setattr(versioned_folder.io_utils, "copy_dir", self._copy)
        monkeypatch.setattr(versioned_folder.io_utils, "copy_file", self._copy)

    def _copy(self, source, target, **_):
        if self._fail_on and self._fail_on in target:
            raise RuntimeError("access denied")
        self.copied.append(target)


def test_on_an_object_store_the_marker_comes_last(saved, monkeypatch):
    remote = Remote()
    remote.install(monkeypatch)
    target = versioned_folder.push(str(saved), "s3://bucket/live/")
    assert target == "s3://bucket/live/10000000000"
    assert remote.copied == [target, f"{target}/saved_model.pb"]


def test_a_failed_push_to_an_object_store_is_taken_back(saved, monkeypatch):
    remote = Remote(fail_on="saved_model.pb")
    remote.install(monkeypatch)
    with pytest.raises(errors.PipelineError, match="access denied"):
        versioned_folder.push(str(saved), "s3://bucket/live")
    assert remote.removed == ["s3://bucket/live/10000000000"]
