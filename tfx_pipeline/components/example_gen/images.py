"""Columns of images: the bytes of each file, checked as the model will decode them.

A column of texts has paths from the table's folder; a column of bytes has the files
themselves. What cannot be read is counted, and is a missing value from here on.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa

from tfx_pipeline.components.example_gen import input_files
from tfx_pipeline.config import image_format
from tfx_pipeline.config.columns import MAX_UNREADABLE
from tfx_pipeline.errors import DataRefused, Finding

ROWS = 64
"""Rows whose images are in memory at a time."""

_MOST_FINDINGS = 20
_SHOWN_PATH = 120
_RULE = "is an image that can be read"


@dataclasses.dataclass
class Tally:
    """How many images were read, and which could not be.

    Attributes:
      seen: the images of each column, missing ones aside.
      unreadable: how many of them could not be read.
      findings: the first of these.
    """

    seen: dict[str, int] = dataclasses.field(default_factory=dict)
    unreadable: dict[str, int] = dataclasses.field(default_factory=dict)
    findings: list[Finding] = dataclasses.field(default_factory=list)

    def add(self, column: str, found: str) -> None:
        """Counts an image; `found` says where it is and why it cannot be read, or is empty."""
        self.seen[column] = self.seen.get(column, 0) + 1
        if not found:
            return
        self.unreadable[column] = self.unreadable.get(column, 0) + 1
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(Finding(column, _RULE, found))

    @property
    def note(self) -> str:
        """How many images are missing values because they cannot be read; empty if none."""
        return "; ".join(
            f"{count} of {self.seen[name]} images in {name!r} cannot be read and are missing "
            f"values: {self._first(name)}"
            for name, count in self.unreadable.items()
        )

    def _first(self, column: str) -> str:
        return next(f.found for f in self.findings if f.subject == column)


def merge(tallies: Iterable[Tally]) -> Tally:
    """The counts of several workers together."""
    result = Tally()
    for tally in tallies:
        for mine, other in ((result.seen, tally.seen), (result.unreadable, tally.unreadable)):
            for name, count in other.items():
                mine[name] = mine.get(name, 0) + count
        result.findings += tally.findings[: _MOST_FINDINGS - len(result.findings)]
    return result


@dataclasses.dataclass(frozen=True)
class Images:
    """The columns of images.

    Attributes:
      shares: for each column, the largest share of its images that may be unreadable.
    """

    shares: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, declared: Mapping[str, Mapping[str, str | float]]) -> Images:
        """Those that `columns:` declares as `image`."""
        return cls(
            {
                name: float(column.get("max_unreadable", MAX_UNREADABLE))
                for name, column in declared.items()
                if column["type"] == "image"
            }
        )

    def pieces(self, rows: int) -> Iterator[slice]:
        """Into what a block of rows is divided, so that its images need little memory."""
        size = ROWS if self.shares else rows
        return (slice(start, start + size) for start in range(0, rows, size or 1))

    def read(
        self,
        columns: Mapping[str, pa.Array],
        path: str,
        unit: str,
        numbers: Sequence[int],
        tally: Tally,
    ) -> dict[str, pa.Array]:
        """The columns, with the bytes of the images; null where there is none that can be read.

        Args:
          columns: texts are paths, binary values are the files.
          path: of the table.
          unit: what a row is called in messages.
          numbers: of the rows.
          tally: counts the images.
        """
        result = dict(columns)
        for name in self.shares:
            if name in columns:
                read = functools.partial(_read, os.path.dirname(path))
                with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
                    found = list(threads.map(read, columns[name].to_pylist()))
                for number, (data, problem) in zip(numbers, found, strict=True):
                    if data is not None or problem:
                        where = f"{os.path.basename(path)} {unit} {number}: "
                        tally.add(name, problem and where + problem)
                result[name] = pa.array([data for data, _ in found], pa.binary())
        return result

    def refuse(self, tally: Tally) -> None:
        """Refuses a column with too many images that cannot be read.

        Raises:
          DataRefused: the share of one is above its limit.
        """
        for name, count in tally.unreadable.items():
            share = self.shares[name]
            if count > share * tally.seen[name]:
                first = next(f.found for f in tally.findings if f.subject == name)
                raise DataRefused(
                    f"{count} of {tally.seen[name]} images in {name!r} cannot be read, more than "
                    f"the share {share:g} of columns.{name}.max_unreadable: {first}",
                    [f for f in tally.findings if f.subject == name],
                )


NO_IMAGES = Images()
"""For tables without such columns."""


def paths(column: pa.Array, table: str) -> Iterator[str]:
    """The files that a column of paths names; none for a column of bytes."""
    if not _is_binary(column.type):
        for value in column.drop_null().to_pylist():
            yield os.path.join(os.path.dirname(table), value)


def _is_binary(arrow_type: pa.DataType) -> bool:
    return pa.types.is_binary(arrow_type) or pa.types.is_large_binary(arrow_type)


def _read(folder: str, value: str | bytes | None) -> tuple[bytes | None, str]:
    """The bytes of an image, and why it cannot be read; for a missing value neither."""
    if value is None:
        return None, ""
    if isinstance(value, bytes):
        problem = unreadable(value)
        return (None, f"the image {problem}") if problem else (value, "")
    shown = value if len(value) <= _SHOWN_PATH else f"{value[:_SHOWN_PATH]}..."
    try:
        with input_files.open_raw(os.path.join(folder, value)) as file:
            data = file.read()
    except FileNotFoundError:
        return None, f"{shown} does not exist below the folder of the table"
    except IsADirectoryError:
        return None, f"{shown} is a folder"
    except (OSError, ValueError) as error:
        return None, f"{shown} cannot be opened: {getattr(error, 'strerror', None) or error}"
    problem = unreadable(data)
    return (None, f"{shown} {problem}") if problem else (data, "")


def unreadable(data: bytes) -> str:
    """Why the model cannot decode the bytes of a file; empty if it can."""
    problem = image_format.problem(data)
    if problem:
        return problem
    import tensorflow as tf

    try:
        # As `tfx_pipeline.modeling.images` decodes: it reads JPEG too.
        tf.io.decode_png(data, channels=3)
    except tf.errors.InvalidArgumentError:
        kind = "PNG" if data.startswith(image_format.PNG) else "JPEG"
        return f"is a damaged or truncated {kind} image"
    return ""
