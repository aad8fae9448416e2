"""Reads tables of typed values: Parquet, ORC, Avro, JSON lines, and what a database returns."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import pyarrow as pa

from tfx_pipeline.components.common import example_encoder
from tfx_pipeline.components.common.column_kinds import Kind, arrow_kind
from tfx_pipeline.components.common.example_encoder import Block
from tfx_pipeline.components.example_gen import images
from tfx_pipeline.components.example_gen.csv_diagnostics import Problems
from tfx_pipeline.components.example_gen.images import NO_IMAGES, Images, Tally
from tfx_pipeline.components.example_gen.profile import Profile
from tfx_pipeline.components.example_gen.type_inference import WrongValue
from tfx_pipeline.components.example_gen.typed_values import ColumnTypes, NoKind
from tfx_pipeline.errors import DataRefused, Finding

BLOCK_ROWS = 8192

NO_NAME = "column without a name"
NAME_IT = 'Name it, or leave it out with data.exclude: [""]'
"""The rule for columns' names, and what to do."""

_SHOWN = 60
_WRONG = (WrongValue, pa.ArrowInvalid, pa.ArrowNotImplementedError)


class Rows(NamedTuple):
    """A block of rows as columns.

    Attributes:
      numbers: each row's number in its source.
      columns: arrays of equal length.
    """

    numbers: Sequence[int]
    columns: dict[str, pa.Array]


class Unreadable(Exception):
    """The file is not of its format: `rule`, and what was found."""

    def __init__(self, rule: str, found: str):
        super().__init__(rule, found)
        self.rule, self.found = rule, found


class Reader(Protocol):
    """How a format is read. Readers are pickled."""

    @property
    def unit(self) -> str:
        """What the number of a row counts: `row`, `line`, `record`."""

    @property
    def name(self) -> str:
        """What messages call the source; "" for the name of the file."""

    def columns(self, path: str) -> list[str]:
        """The names that the file tells without its rows; may be empty.

        Raises:
          Unreadable: the file is not of the format.
        """

    def rows(self, path: str, exclude: Collection[str], texts: Collection[str]) -> Iterator[Rows]:
        """The rows in blocks; a block may lack columns.

        Args:
          path: the file.
          exclude: columns to leave out.
          texts: columns that are text; what else is among their values becomes text.

        Raises:
          Unreadable: the file is not of the format.
        """


@dataclasses.dataclass(frozen=True)
class TypedSource:
    """Files of typed values.

    Attributes:
      reader: how they are read.
      types: what is known about the columns.
      exclude: the columns to leave out.
      images: the columns of images, as bytes or paths.
    """

    reader: Reader
    types: ColumnTypes
    exclude: tuple[str, ...] = ()
    images: Images = NO_IMAGES

    def profile(self, path: str) -> Profile:
        """Finds the types over the whole file, or its problems."""
        problems = Problems(self.reader.name or path, self.reader.unit)
        kinds: dict[str, Kind] = {}
        try:
            for name in self.reader.columns(path):
                if name not in self.exclude:
                    kinds[name] = Kind.EMPTY
            for rows in self.reader.rows(path, self.exclude, self._texts(self.types.kinds)):
                for name, array in rows.columns.items():
                    if not name:
                        problems.add(rows.numbers[0], "(column)", NO_NAME, NAME_IT)
                    kind = self._kind(name, array, rows.numbers, problems)
                    kinds[name] = max(kind, kinds.get(name, Kind.EMPTY))
        except Unreadable as error:
            problems.add(0, "(file)", error.rule, error.found)
        except NoKind:
            return Profile({}, problems.findings, problems.counts.total())
        return Profile(kinds, problems.findings, problems.counts.total())

    def _texts(self, kinds: Mapping[str, Kind]) -> frozenset[str]:
        return frozenset(name for name, kind in kinds.items() if kind == Kind.BYTES)

    def _kind(self, name: str, array: pa.Array, numbers: Sequence[int], problems: Problems) -> Kind:
        """The kind of a block of a column; adds its wrong values to the problems.

        Raises:
          NoKind: a tf.Example cannot hold such values.
        """
        try:
            plain = self.types.plain(name, array)
        except NoKind as error:
            expected = f"expected {self.types.expected(name)}, " if name in self.types.kinds else ""
            problems.add(0, name, "wrong type", f"{expected}found {error}")
            raise
        kind = self.types.kinds.get(name, arrow_kind(plain.type) or Kind.EMPTY)
        if plain.null_count == len(plain):
            return Kind.EMPTY
        try:
            self.types.cast(name, plain, kind)
        except _WRONG:
            self._add_wrong(name, plain, kind, numbers, problems)
        return kind

    def _add_wrong(
        self, name: str, plain: pa.Array, kind: Kind, numbers: Sequence[int], problems: Problems
    ) -> None:
        for index, number in enumerate(numbers):
            value = plain.slice(index, 1)
            try:
                self.types.cast(name, value, kind)
            except _WRONG:
                found = f'expected {self.types.expected(name)}, found "{_shown(value)}"'
                problems.add(number, name, "wrong type", found)

    def records(
        self, path: str, kinds: Mapping[str, Kind], tally: Tally | None = None
    ) -> Iterator[Block]:
        """Blocks of serialized tf.Examples; `tally` counts the images."""
        tally = Tally() if tally is None else tally
        for rows in self.reader.rows(path, self.exclude, self._texts(kinds)):
            for piece in self.images.pieces(len(rows.numbers)):
                numbers = rows.numbers[piece]
                columns = {name: array[piece] for name, array in rows.columns.items()}
                columns = self.images.read(
                    self._images(columns), path, self.reader.unit, numbers, tally
                )
                absent = pa.nulls(len(numbers))
                values = {
                    name: self._values(path, name, columns.get(name, absent), kind)
                    for name, kind in kinds.items()
                }
                yield example_encoder.encode(values, kinds)

    def _images(self, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
        """The columns; those of images without texts that stand for a missing value."""
        own = {n: self.types.plain(n, columns[n]) for n in self.images.shares if n in columns}
        return {**columns, **own}

    def image_files(self, path: str) -> Iterator[str]:
        """The files of the images that a table names."""
        names = frozenset(self.images.shares)
        with contextlib.suppress(Unreadable, NoKind):
            for rows in self.reader.rows(path, self.exclude, self._texts(self.types.kinds)):
                for name in names & {*rows.columns}:
                    yield from images.paths(self.types.plain(name, rows.columns[name]), path)

    def _values(self, path: str, name: str, array: pa.Array, kind: Kind) -> pa.Array:
        """The values in the kind that the column has over all files.

        Raises:
          DataRefused: an integer is too large for a column that has fractions in another file.
        """
        try:
            return self.types.cast(name, self.types.plain(name, array), kind)
        except _WRONG as error:
            found = f"{os.path.basename(path)}: expected {kind.name}, as in another file: {error}"
            raise DataRefused(
                f"the data cannot be used: column {name!r}: {found}. "
                "Give the column the same type in all files",
                [Finding(name, "wrong type", found)],
            ) from error


def _shown(value: pa.Array) -> str:
    found = value[0].as_py()
    text = found.decode(errors="replace") if isinstance(found, bytes) else str(found)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
