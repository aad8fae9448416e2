"""TFX's `fileio` on `s3://` by boto3, against a server that speaks S3's protocol.

The same calls on a local folder say what is right.
"""

from __future__ import annotations

import os

import pytest

from tests import s3

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def bucket():
    with s3.serve() as made:
        yield made


@pytest.fixture
def fileio(bucket, monkeypatch):
    """TFX's fileio, whose file system for S3 is ours while the test runs."""
    from tfx.dsl.io import fileio, filesystem_registry

    from tfx_pipeline.compat import s3_files

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    registry = filesystem_registry.FilesystemRegistry()
    registry.__dict__.update(filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.__dict__)
    registry._preferred_filesystem_by_scheme = {
        **registry._preferred_filesystem_by_scheme,
        "s3://": s3_files.S3Files,
    }
    monkeypatch.setattr(filesystem_registry, "DEFAULT_FILESYSTEM_REGISTRY", registry)
    for _ in s3.use(bucket, monkeypatch):
        yield fileio


@pytest.fixture(params=["local", "s3"])
def root(request, tmp_path):
    """An empty folder, here and on S3."""
    if request.param == "local":
        return str(tmp_path)
    return f"s3://{s3.NAME}/{tmp_path.name}"


def write(fileio, path, text):
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "w") as file:
        file.write(text)


@pytest.fixture
def tree(fileio, root):
    for name in ("a.txt", "sub/b.txt", "sub/deep/c.csv", "sub2/b.txt"):
        write(fileio, f"{root}/{name}", name)
    return root


def test_text_and_bytes_come_back(fileio, root):
    write(fileio, f"{root}/text", "Grüße\n日本\r\n")
    with fileio.open(f"{root}/text", "r") as file:
        assert file.read().splitlines() == ["Grüße", "日本"]
    with fileio.open(f"{root}/bytes", "wb") as file:
        file.write(b"\0\1")
        file.write(b"\2")
    with fileio.open(f"{root}/bytes", "rb") as file:
        assert file.read() == b"\0\1\2"


def test_what_is_there(fileio, tree):
    assert fileio.exists(f"{tree}/a.txt")
    assert fileio.exists(f"{tree}/sub")
    assert not fileio.exists(f"{tree}/su")
    assert fileio.isdir(f"{tree}/sub")
    assert not fileio.isdir(f"{tree}/a.txt")
    assert not fileio.isdir(f"{tree}/nothing")
    assert sorted(name.rstrip("/") for name in fileio.listdir(tree)) == ["a.txt", "sub", "sub2"]


def test_an_empty_folder_is_one(fileio, root):
    fileio.makedirs(f"{root}/empty")
    assert fileio.isdir(f"{root}/empty")
    assert list(fileio.listdir(f"{root}/empty")) == []


def test_patterns(fileio, tree):
    def found(pattern):
        return sorted(path.removeprefix(f"{tree}/") for path in fileio.glob(f"{tree}/{pattern}"))

    assert found("*") == ["a.txt", "sub", "sub2"]
    assert found("sub*/b.txt") == ["sub/b.txt", "sub2/b.txt"]
    assert found("*.txt") == ["a.txt"]
    assert found("sub/*/?.csv") == ["sub/deep/c.csv"]
    assert found("nothing*") == []


def test_folders_are_walked(fileio, tree):
    walked = [
        (folder, sorted(folders), sorted(files)) for folder, folders, files in fileio.walk(tree)
    ]
    assert sorted(walked) == [
        (tree, ["sub", "sub2"], ["a.txt"]),
        (f"{tree}/sub", ["deep"], ["b.txt"]),
        (f"{tree}/sub/deep", [], ["c.csv"]),
        (f"{tree}/sub2", [], ["b.txt"]),
    ]


def test_files_are_copied_in_all_directions(fileio, tree, tmp_path):
    fileio.copy(f"{tree}/a.txt", f"{tree}/copy.txt")
    here = str(tmp_path / "here.txt")
    fileio.copy(f"{tree}/copy.txt", here)
    fileio.copy(here, f"{tree}/back.txt")
    with fileio.open(f"{tree}/back.txt") as file:
        assert file.read() == "a.txt"
    with pytest.raises(Exception, match="already"):
        fileio.copy(here, f"{tree}/back.txt")
    fileio.copy(f"{tree}/sub/b.txt", f"{tree}/back.txt", overwrite=True)
    with fileio.open(f"{tree}/back.txt") as file:
        assert file.read() == "sub/b.txt"


def test_files_and_folders_are_moved_and_removed(fileio, tree):
    fileio.rename(f"{tree}/a.txt", f"{tree}/moved.txt")
    assert not fileio.exists(f"{tree}/a.txt")
    fileio.rename(f"{tree}/sub", f"{tree}/other")
    assert fileio.exists(f"{tree}/other/deep/c.csv")
    assert not fileio.exists(f"{tree}/sub")
    fileio.remove(f"{tree}/moved.txt")
    fileio.rmtree(f"{tree}/other")
    assert [name.rstrip("/") for name in fileio.listdir(tree)] == ["sub2"]


def test_what_is_not_there_is_said(fileio, root):
    from tfx.dsl.io import filesystem

    for call in (fileio.listdir, fileio.remove, fileio.rmtree, fileio.stat):
        with pytest.raises(filesystem.NotFoundError):
            call(f"{root}/nothing")
    with pytest.raises(Exception, match=r"nothing"):
        fileio.open(f"{root}/nothing", "r").read()


def test_length_and_time(fileio, tree):
    from tfx_pipeline.compat import s3_files

    stat = fileio.stat(f"{tree}/sub/b.txt")
    assert stat.length == len("sub/b.txt")
    assert stat.mtime_nsec > 1.7e18
    assert s3_files.S3Files.SUPPORTED_SCHEMES == ["s3://"]


def test_a_file_whose_writing_fails_is_not_there(fileio, root):
    if not root.startswith("s3"):
        pytest.skip("a local file is there as soon as it is opened")

    def write_half():
        with fileio.open(f"{root}/half", "wb") as file:
            file.write(b"half")
            raise ValueError("an error")

    with pytest.raises(ValueError, match="an error"):
        write_half()
    assert not fileio.exists(f"{root}/half")
