"""Small files: on this machine, on S3 (moto's server), and by TFX's file systems."""

from __future__ import annotations

import pytest

from tests import s3
from tfx_pipeline.storage import files


@pytest.fixture(scope="module")
def bucket():
    with s3.serve() as made:
        yield made


@pytest.fixture
def environment(bucket, monkeypatch):
    yield from s3.use(bucket, monkeypatch)


@pytest.fixture(params=["local", "s3"])
def folder(request, tmp_path, environment):
    roots = {"s3": f"s3://{s3.NAME}", "local": str(tmp_path)}
    return f"{roots[request.param]}/{request.node.name.replace('[', '-').rstrip(']')}"


def test_what_was_written_is_read(folder):
    for text in ("first\n", "später\n", ""):
        files.write(f"{folder}/a.txt", text)
        assert files.read(f"{folder}/a.txt").decode() == text


def test_a_file_that_is_not_there(folder):
    with pytest.raises(FileNotFoundError) as raised:
        files.read(f"{folder}/nothing.txt")
    assert raised.value.filename == f"{folder}/nothing.txt"


def test_subfolders_with_a_file(environment):
    remote = f"s3://{s3.NAME}/subfolders"
    assert files.subfolders(remote, ["saved_model.pb"]) == {}
    for name in ("1/saved_model.pb", "1/variables/a", "2/other.pb", "3/saved_model.pbtxt", "a.pb"):
        files.write(f"{remote}/{name}", "x")
    names = ["saved_model.pb", "saved_model.pbtxt"]
    found = files.subfolders(remote, names)
    assert sorted(found) == ["1", "3"]
    assert files.subfolders(f"{remote}/", names) == found
    files.write(f"{remote}/1/saved_model.pb", "longer")
    again = files.subfolders(remote, names)
    assert again["1"] != found["1"]
    assert again["3"] == found["3"]


@pytest.mark.tensorflow
def test_other_schemes_are_read_by_tfx(tmp_path):
    """A local folder stands in for one: the same calls of TFX's fileio serve all schemes."""
    for name in ("1/saved_model.pb", "2/other.pb", "a.pb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        files._tfx_write(f"{tmp_path}/{name}", "später".encode())
    assert files._tfx_read(f"{tmp_path}/1/saved_model.pb").decode() == "später"
    found = files._tfx_subfolders(str(tmp_path), frozenset(["saved_model.pb"]))
    assert [*found] == ["1"]
    assert files._tfx_subfolders(f"{tmp_path}/none", frozenset(["a"])) == {}
    with pytest.raises(FileNotFoundError):
        files._tfx_read(f"{tmp_path}/nothing")


def test_more_files_than_one_answer_lists(environment, bucket):
    for number in range(1100):
        bucket.client.put_object(Bucket=s3.NAME, Key=f"many/{number:04d}/a", Body=b"")
    assert len(files.subfolders(f"s3://{s3.NAME}/many", ["a"])) == 1100


def test_a_bucket_that_is_not_there_is_named(environment):
    for call in (
        lambda: files.read("s3://no-such-bucket/a"),
        lambda: files.write("s3://no-such-bucket/a", "x"),
        lambda: files.subfolders("s3://no-such-bucket/a", ["x"]),
    ):
        with pytest.raises(OSError, match="bucket does not exist") as raised:
            call()
        assert not isinstance(raised.value, FileNotFoundError)
        assert str(raised.value.filename).startswith("s3://no-such-bucket/a")


def test_absolute_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert files.absolute("a/b") == f"{tmp_path}/a/b"
    assert files.absolute(tmp_path / "b") == f"{tmp_path}/b"
    assert files.absolute("s3://bucket/a/") == "s3://bucket/a"
