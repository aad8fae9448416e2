"""Local files by Python: the answers that TensorFlow gives."""

from __future__ import annotations

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
