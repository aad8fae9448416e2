"""Local files by Python: the answers that TensorFlow gives."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.txt").write_text("two")
    (tmp_path / "b" / "1.txt").write_text("one!")
    (tmp_path / "a").mkdir()
    return tmp_path


@pytest.fixture
def both():
    from tfx.dsl.io.plugins.tensorflow_gfile import TensorflowFilesystem

    from tfx_pipeline.compat.local_filesystem import LocalFiles

    return LocalFiles, TensorflowFilesystem


@pytest.mark.parametrize("name", ["b", "b/1.txt", "nowhere"])
def test_what_is_there(both, folder, name):
    ours, theirs = both
    path = str(folder / name)
    assert ours.exists(path) == theirs.exists(path)
    assert ours.isdir(path) == theirs.isdir(path)


@pytest.mark.parametrize("pattern", ["*", "*/*", "b/*.txt", "b/1.txt", "x/*", "b/?.txt"])
def test_what_matches(both, folder, pattern):
    ours, theirs = both
    assert ours.glob(str(folder / pattern)) == sorted(theirs.glob(str(folder / pattern)))


@pytest.mark.parametrize("name", ["", "a", "b"])
def test_what_is_in_a_folder(both, folder, name):
    ours, theirs = (filesystem.listdir(str(folder / name)) for filesystem in both)
    assert sorted(ours) == sorted(theirs)


@pytest.mark.parametrize("name", ["b", "b/1.txt"])
def test_what_it_is_like(both, folder, name):
    ours, theirs = (filesystem.stat(str(folder / name)) for filesystem in both)
    assert ours.is_directory == theirs.is_directory
    assert ours.length == theirs.length or ours.is_directory
    assert ours.mtime_nsec // 10**9 == theirs.mtime_nsec // 10**9


def test_what_is_not_there(both, folder):
    from tfx.dsl.io import filesystem

    for each in both:
        for call in (each.stat, each.rmtree, each.listdir):
            with pytest.raises(filesystem.NotFoundError):
                call(str(folder / "nowhere"))


@pytest.mark.parametrize("mode", ["w", "wb", "a", "ab"])
@pytest.mark.parametrize("data", ["a\r\nb\rü\n", b"a\r\nb\r\n"])
def test_what_is_written_and_read(both, folder, mode, data):
    found = []
    for number, each in enumerate(both):
        path = folder / f"{number}.txt"
        path.write_bytes(b"old\n")
        with each.open(str(path), mode) as file:
            file.write(data)
            file.write(data)
        found.append([path.read_bytes()])
        for how in ("r", "rb"):
            with each.open(str(path), how) as file:
                found[-1].append(file.read())
            with each.open(str(path), how) as file:
                found[-1] += [file.readline(), [*file], file.read()]
            with each.open(str(path), how) as file:
                found[-1] += [file.read(3), file.tell(), file.readlines()]
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["nowhere", "nowhere/deep", "b"])
@pytest.mark.parametrize("mode", ["r", "w", "rb", "wb"])
def test_what_cannot_be_opened_has_tensorflows_error(both, folder, name, mode):
    raised = []
    for number, each in enumerate(both):
        path = folder / str(number) / name
        (folder / str(number) / "b").mkdir(parents=True)
        try:
            with each.open(str(path), mode) as file:
                file.read() if "r" in mode else file.write("x")
            raised.append(None)
        except Exception as error:
            raised.append(type(error))
    assert raised[0] is raised[1]


def test_a_value_is_written_without_tensorflow(tmp_path):
    code = """
import sys
from tfx_pipeline.compat import lazy_imports
with lazy_imports.importing_launcher():
    from tfx_pipeline.compat import local_filesystem
    from tfx.dsl.io import fileio
local_filesystem.register()
with fileio.open("value", "w") as file:
    file.write("text")
print(fileio.open("value", "rb").read(), "tensorflow" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "b'text' False\n"


def test_scratch_folders(both, folder):
    for number, each in enumerate(both):
        path = folder / f"new-{number}" / "deep"
        each.makedirs(str(path))
        each.makedirs(str(path))
        assert path.is_dir()
        each.rmtree(str(path.parent))
        assert not path.parent.exists()


def test_tfx_uses_it_for_local_paths_only():
    from tfx.dsl.io import filesystem_registry

    from tfx_pipeline.compat.local_filesystem import LocalFiles, register

    register()
    registry = filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY
    assert registry.get_filesystem_for_path("/tmp/x") is LocalFiles
    assert registry.get_filesystem_for_path("gs://bucket/x") is not LocalFiles
