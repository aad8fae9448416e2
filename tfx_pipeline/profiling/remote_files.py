"""Copies a table from `s3://` to this machine, so that `init` reads it as any other.

A table up to 256 MB is copied as a whole. Of a larger one some files are copied, or the first
part of a single text file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Iterator

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.profiling import found_data, sample
from tfx_pipeline.profiling.sample import Sample
from tfx_pipeline.storage import s3

_LINES = ("csv", "tsv", "jsonl")


@dataclasses.dataclass(frozen=True)
class _Copied:
    """The local copy, and which share of the table's bytes it has."""

    place: pathlib.Path
    share: float


def read(url: str) -> Sample:
    """Reads the rows of a file or of a folder on S3.

    Raises:
      ConfigError: there are no such rows, or they cannot be read.
      MissingExtra: boto3 is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="init-") as folder, _named(folder, url):
        copied = _copy(url, pathlib.Path(folder))
        rows = sample.read(found_data.find(str(copied.place)))
    where = _as_url(rows.where, folder, url)
    if copied.share == 1:
        return dataclasses.replace(rows, where=where)
    total = round(rows.total_rows / copied.share)
    about = sample.about_rows(rows.table.num_rows, total, complete=False)
    choices = (about, *(c for c in rows.choices if c.subject != "rows"))
    return dataclasses.replace(rows, where=where, complete=False, total_rows=total, choices=choices)


def _copy(url: str, folder: pathlib.Path) -> _Copied:
    try:
        sizes = s3.objects(url)
    except ConfigError:
        raise
    except Exception as error:  # boto3 has a class of its own for each problem
        raise _wrong(
            f"{url} cannot be read: {error}", "Check the name and the credentials"
        ) from error
    prefix = s3.bucket_and_key(url.rstrip("/"))["Key"]
    sizes = {key: size for key, size in sizes.items() if _is_wanted(key, prefix)}
    if not sizes:
        raise _wrong(f"{url} does not exist, or has no files", "Name a file or a folder with files")
    total, copied = sum(sizes.values()), 0
    name = prefix.rpartition("/")[2] or "table"
    for key, size in sizes.items():
        below = key.removeprefix(prefix).strip("/")
        target = folder / name / below if below else folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        most = _most(key, size, found_data.WHOLE - copied)
        if copied and most < size:
            break  # some files are enough
        try:
            s3.download(url, key, str(target), most if most < size else None)
        except Exception as error:
            raise _wrong(f"{url} cannot be read: {error}", "Try again") from error
        if most < size:
            _whole_lines(target)
        copied += min(most, size)
    return _Copied(folder / name, copied / total if total else 1.0)


def _is_wanted(key: str, prefix: str) -> bool:
    """Whether a run would read the object: not below other folders than `column=value`."""
    *folders, name = key.removeprefix(prefix).strip("/").split("/")
    return not name.startswith((".", "_")) and all("=" in folder for folder in folders)


def _most(key: str, size: int, left: int) -> int:
    """How many bytes of an object are copied."""
    if size <= left:
        return size
    is_text = found_data.format_of(key) in _LINES and not key.endswith((".gz", ".zst"))
    return found_data.SAMPLED if is_text else size


def _whole_lines(file: pathlib.Path) -> None:
    """Takes the last line away, which is not whole."""
    data = file.read_bytes()
    file.write_bytes(data[: data.rfind(b"\n") + 1])


@contextlib.contextmanager
def _named(folder: str, url: str) -> Iterator[None]:
    """Names the files on S3 in errors, not their copies."""
    try:
        yield
    except ConfigError as error:
        problems = [
            Problem(
                problem.where,
                _as_url(problem.message, folder, url),
                _as_url(problem.remedy, folder, url),
            )
            for problem in error.problems
        ]
        raise ConfigError(problems, error.source) from error


def _as_url(text: str, folder: str, url: str) -> str:
    name = url.rstrip("/").removeprefix(s3.SCHEME).partition("/")[2].rpartition("/")[2] or "table"
    return text.replace(f"{folder}/{name}", url.rstrip("/"))


def _wrong(message: str, remedy: str) -> ConfigError:
    return ConfigError(Problem("", message, remedy))
