"""Adds a model to a folder of versions, completely or not at all.

On a local disk the model is copied to a hidden staging folder and flushed to the disk,
and the folder is renamed. A server that watches the push folder never sees a half-written
model, not even after a power failure.

On an object store (`s3://`, `gs://`) folders cannot be renamed. There the model is copied
in place, with `saved_model.pb` last: servers ignore a version without this file.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import pathlib
import re
import shutil
import socket
import time

from tfx.dsl.io import fileio
from tfx.utils import io_utils

from tfx_pipeline.errors import PipelineError

_log = logging.getLogger(__name__)

_MARKER = "saved_model.pb"
_STAGING = re.compile(r"\.tmp-\d+-(?P<host>.+)-(?P<pid>\d+)")
_STALE_SECONDS = 3600
_CLAIM_SECONDS = 1.0


PUSHED_BY = os.path.join("assets.extra", "pushed_by")
"""The file of a version that names who pushed it. Servers do not read it."""


def push(model: str, push_dir: str, pushed_by: str) -> str:
    """Copies the SavedModel `model` to a new version below `push_dir`.

    Args:
      model: the SavedModel's folder.
      push_dir: the folder of versions.
      pushed_by: identifies the execution. A retry of one that has pushed already finds its
        version and adds no other.

    Returns:
      The version's folder, `<push_dir>/<Unix time>`. Its number is greater than that of
      any existing version.

    Raises:
      PipelineError: the folder cannot be written, or the disk is full. Nothing is left
        in the push folder.
    """
    push_dir = push_dir.rstrip("/")
    try:
        earlier = _earlier(push_dir, pushed_by)
        if earlier is not None:
            return earlier
        if "://" in push_dir:
            return push_in_place(model, push_dir, pushed_by)
        return _push_local(model, push_dir, pushed_by)
    except OSError as error:
        path = error.filename or push_dir
        raise PipelineError(
            f"the model cannot be pushed to {push_dir}: {path}: {error.strerror or error}. "
            "Nothing was changed there. Check its permissions and the space on its disk"
        ) from error


def _earlier(push_dir: str, pushed_by: str) -> str | None:
    """The version that this execution has pushed already."""
    names = map(str, fileio.listdir(push_dir)) if fileio.exists(push_dir) else ()
    for name in sorted((n.rstrip("/") for n in names if n.rstrip("/").isdecimal()), reverse=True):
        version = f"{push_dir}/{name}"
        if _read(f"{version}/{PUSHED_BY}") == pushed_by and fileio.exists(f"{version}/{_MARKER}"):
            return version
    return None


def _read(path: str) -> str | None:
    if not fileio.exists(path):
        return None
    with fileio.open(path, "r") as file:
        return str(file.read())


def _push_local(model: str, push_dir: str, pushed_by: str) -> str:
    os.makedirs(push_dir, exist_ok=True)
    _remove_stale(push_dir)
    version = next_version(os.listdir(push_dir))
    staging = os.path.join(push_dir, f".tmp-{version}-{socket.gethostname()}-{os.getpid()}")
    try:
        shutil.rmtree(staging, ignore_errors=True)
        _copy(model, staging)
        path = pathlib.Path(staging, PUSHED_BY)
        path.parent.mkdir(exist_ok=True)
        path.write_text(pushed_by)
        flush(staging)
        return _rename(staging, push_dir, version)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _copy(model: str, target: str) -> None:
    try:
        if "://" in model:
            io_utils.copy_dir(model, target)
        else:
            shutil.copytree(model, target, copy_function=shutil.copyfile)
    except shutil.Error as error:
        # One row (source, target, reason) for each file; the first one is enough.
        _, path, reason = error.args[0][0]
        raise OSError(errno.EIO, reason, path) from error


def _rename(staging: str, push_dir: str, version: int) -> str:
    """Renames to `version`, or to the next one if another push has taken it in between."""
    while True:
        target = os.path.join(push_dir, str(version))
        try:
            if os.path.exists(target):
                raise FileExistsError(errno.EEXIST, "exists", target)
            os.rename(staging, target)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
            version += 1
            continue
        _fsync(push_dir)
        return target


def next_version(names: list[str]) -> int:
    """The time in Unix seconds, or one more than the greatest existing version."""
    versions = [int(name) for name in names if re.fullmatch(r"[0-9]+", name)]
    return max([int(time.time()), *(version + 1 for version in versions)])


def flush(folder: str) -> None:
    """Flushes a folder's files from memory to the disk."""
    for path, _, files in os.walk(folder):
        for name in files:
            _fsync(os.path.join(path, name))
        _fsync(path)


def _fsync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stale(push_dir: str) -> None:
    """Removes the staging folders of pushes that crashed."""
    for name in os.listdir(push_dir):
        match = _STAGING.fullmatch(name)
        path = os.path.join(push_dir, name)
        if match and (_is_old(path) or _is_dead(match["host"], int(match["pid"]))):
            _log.warning("Pusher: %s was left by a push that crashed; removed", path)
            shutil.rmtree(path, ignore_errors=True)


def _is_old(path: str) -> bool:
    try:
        return time.time() - os.stat(path).st_mtime > _STALE_SECONDS
    except FileNotFoundError:
        return False


def _is_dead(host: str, pid: int) -> bool:
    if host != socket.gethostname() or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def push_in_place(model: str, push_dir: str, pushed_by: str) -> str:
    """Pushes without a rename, which object stores do not have; `saved_model.pb` comes last.

    Raises:
      OSError: the folder cannot be written. What was written is removed.
    """
    target = _claim(push_dir, pushed_by)
    try:
        # Not TFX's copy_dir: it removes the target first, and so the claim.
        for path in _files(model):
            io_utils.copy_file(os.path.join(model, path), f"{target}/{path}")
    except Exception as error:
        with contextlib.suppress(Exception):
            fileio.rmtree(target)
        if isinstance(error, OSError):
            raise
        # Remote file systems have exceptions of their own, which are not OSErrors.
        raise OSError(errno.EIO, str(error), target) from error
    return target


def _files(model: str) -> list[str]:
    """The paths of a model's files below its folder, the marker last."""
    found = []
    for folder, _, names in fileio.walk(model):
        below = os.path.relpath(str(folder), model)
        found += [os.path.normpath(os.path.join(below, str(name))) for name in names]
    return [*sorted({*found} - {PUSHED_BY, _MARKER}), _MARKER]


def _claim(push_dir: str, pushed_by: str) -> str:
    """A new version's folder, with a file that keeps other pushes of the same second away."""
    while True:
        names = map(str, fileio.listdir(push_dir)) if fileio.exists(push_dir) else ()
        target = f"{push_dir}/{next_version([name.rstrip('/') for name in names])}"
        fileio.makedirs(target)
        io_utils.write_string_file(f"{target}/{PUSHED_BY}", pushed_by)
        time.sleep(_CLAIM_SECONDS)  # who has seen the folder empty has written by now
        if _read(f"{target}/{PUSHED_BY}") == pushed_by:
            return target
