"""Reads tables as serialized tf.Examples, by column; delimited text in this module.

A source reads a file twice: `profile` finds the columns' types over all values, and all
problems, before `records` encodes anything. Sources are pickled and used by Beam workers.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping

import pyarrow as pa

from tfx_pipeline.components.common import example_encoder
from tfx_pipeline.components.common.column_kinds import Kind
from tfx_pipeline.components.common.example_encoder import Block
from tfx_pipeline.components.example_gen import csv_diagnostics, csv_reader, images
from tfx_pipeline.components.example_gen.images import NO_IMAGES, Images, Tally
from tfx_pipeline.components.example_gen.number_format import NumberFormat
from tfx_pipeline.components.example_gen.profile import Profile
from tfx_pipeline.components.example_gen.tfrecord_source import TfRecordSource
from tfx_pipeline.components.example_gen.type_inference import (
    WrongValue,
    convert,
    convert_booleans,
    infer_kind,
)
from tfx_pipeline.components.example_gen.typed_source import TypedSource
from tfx_pipeline.config.text_format import CSV, TextFormat


@dataclasses.dataclass(frozen=True)
class CsvSource:
    """Files of delimited text.

    Attributes:
      columns: the columns to read; missing in a file that does not have one.
      types: the kinds of the columns in the schema and in `columns:`; others are inferred.
      text: how the files are written.
      booleans: the columns of true and false.
      images: the columns of paths of images.
    """

    columns: tuple[str, ...]
    types: Mapping[str, Kind]
    text: TextFormat = CSV
    booleans: tuple[str, ...] = ()
    images: Images = NO_IMAGES

    def profile(self, path: str) -> Profile:
        """Finds the types over the whole file, or its problems."""
        kinds = dict.fromkeys(self.columns, Kind.EMPTY)
        try:
            for batch in csv_reader.read_batches(path, self.text, self.columns):
                for name, texts in zip(self.columns, batch.columns):
                    kinds[name] = self._kind(name, texts, kinds[name])
        except csv_reader.OddQuotes:
            problems = self._inspect(path)
            return Profile(kinds, problems.findings, problems.counts.total())
        except (csv_reader.Unreadable, WrongValue) as error:
            problems = self._inspect(path)
            if not problems.findings:
                problems.add(0, "(file)", "not CSV", str(error))
            return Profile({}, problems.findings, problems.counts.total())
        return Profile(kinds)

    def _kind(self, name: str, texts: pa.Array, known: Kind) -> Kind:
        if name not in self.types:
            return infer_kind(texts, known, self._numbers)
        self._values(name, texts, self.types[name])
        return known if texts.null_count == len(texts) else self.types[name]

    def _inspect(self, path: str) -> csv_diagnostics.Problems:
        return csv_diagnostics.inspect(path, self.text, self.types, self.booleans)

    @property
    def _numbers(self) -> NumberFormat:
        return NumberFormat(self.text.decimal, self.text.thousands)

    def _values(self, name: str, texts: pa.Array, kind: Kind) -> pa.Array:
        if name in self.booleans:
            return convert_booleans(texts)
        return convert(texts, kind, self._numbers)

    def records(
        self, path: str, kinds: Mapping[str, Kind], tally: Tally | None = None
    ) -> Iterator[Block]:
        """Blocks of serialized tf.Examples; `tally` counts the images."""
        tally = Tally() if tally is None else tally
        first = 1
        with contextlib.suppress(csv_reader.OddQuotes):  # `profile` has examined it
            for batch in csv_reader.read_batches(path, self.text, self.columns):
                columns = dict(zip(self.columns, batch.columns))
                values = {n: self._values(n, texts, kinds[n]) for n, texts in columns.items()}
                for piece in self.images.pieces(len(batch)):
                    part = {name: array[piece] for name, array in values.items()}
                    numbers = range(first, first + len(batch))[piece]
                    part = self.images.read(part, path, "row", numbers, tally)
                    yield example_encoder.encode(part, kinds)
                first += len(batch)

    def image_files(self, path: str) -> Iterator[str]:
        """The files of the images that a table names."""
        names = [name for name in self.images.shares if name in self.columns]
        with contextlib.suppress(csv_reader.OddQuotes, csv_reader.Unreadable):
            for batch in csv_reader.read_batches(path, self.text, names):
                for texts in batch.columns:
                    yield from images.paths(texts, path)


Source = CsvSource | TypedSource | TfRecordSource
"""What ExampleGen can read from."""
