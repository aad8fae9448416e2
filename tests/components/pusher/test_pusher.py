"""Pushing: completely or not at all, and only with both blessings."""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import pytest
from tfx.proto import pusher_pb2
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

    pushes = itertools.count()

    def run(push_dir, blessed=1, infra_blessed=1, without=(), execution=None, folder=None):
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
        place = folder or tmp_path / f"pushed-{next(pushes)}"
        pushed = execution or artifact(standard_artifacts.PushedModel, place)
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
    mine = pathlib.Path(versioned_folder.push(str(saved), str(live), "me"))
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


def test_on_an_object_store_the_marker_comes_last(tmp_path, saved, monkeypatch):
    """Servers ignore a version without it. The claim of the version stays all the time."""
    copied = []
    copy_file = versioned_folder.io_utils.copy_file

    def copy(source, target):
        copy_file(source, target)
        copied.append(pathlib.Path(target).name)
        (claim,) = (tmp_path / "live").glob(f"*/{versioned_folder.PUSHED_BY}")
        assert claim.read_text() == "me"

    monkeypatch.setattr(versioned_folder.io_utils, "copy_file", copy)
    target = pathlib.Path(versioned_folder.push_in_place(str(saved), str(tmp_path / "live"), "me"))
    assert copied == ["variables.index", "saved_model.pb"]
    assert names(target) == ["assets.extra", "saved_model.pb", "variables"]


def test_a_failed_push_to_an_object_store_is_taken_back(tmp_path, saved):
    (saved / "saved_model.pb").unlink()
    with pytest.raises(OSError):  # noqa: PT011 - TFX's file system names the file in no text
        versioned_folder.push_in_place(str(saved), str(tmp_path / "live"), "me")
    assert names(tmp_path / "live") == []


def test_two_pushes_to_an_object_store_in_one_second_get_two_versions(tmp_path, saved):
    live = str(tmp_path / "live")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pushes = [
            pool.submit(versioned_folder.push_in_place, str(saved), live, name)
            for name in ("one", "other")
        ]
        targets = {push.result() for push in pushes}
    assert len(targets) == 2
    owners = {pathlib.Path(t, versioned_folder.PUSHED_BY).read_text() for t in targets}
    assert owners == {"one", "other"}


def test_a_retry_of_an_execution_that_has_pushed_pushes_nothing_more(push, tmp_path):
    """The process ended after the rename, before ML Metadata knew of it."""
    _, first = push(tmp_path / "live")
    _, again = push(tmp_path / "live", execution=first)
    destination = first.get_string_custom_property("pushed_destination")
    assert again.get_string_custom_property("pushed_destination") == destination
    assert len(names(tmp_path / "live")) == 1


def test_a_copy_that_fails_leaves_no_live_model(push, tmp_path):
    """The artifact's folder is on a disk that is full; the push folder is not."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk needs root and the right to mount")
    try:
        (disk / "full").write_bytes(b"x" * 4096)
        with pytest.raises(Exception, match=r"space|exhausted"):
            push(tmp_path / "live", folder=disk / "pushed")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert not (tmp_path / "live").exists()


def test_with_the_arguments_of_tfx_no_blessing_is_needed(tmp_path, saved):
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(tmp_path / "live"))
    )
    model = artifact(standard_artifacts.Model, saved.parent)
    component = pusher.Pusher(model=channel_utils.as_channel([model]), push_destination=destination)
    pushed = artifact(standard_artifacts.PushedModel, tmp_path / "pushed")
    executor.Executor().Do(
        {"model": [model]}, {"pushed_model": [pushed]}, dict(component.exec_properties)
    )
    assert len(names(tmp_path / "live")) == 1
