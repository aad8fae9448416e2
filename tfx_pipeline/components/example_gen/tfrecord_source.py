"""Reads TFRecord files of serialized tf.Examples, which are passed on unchanged."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tfx_pipeline.components.common.column_kinds import Kind, arrow_kind
from tfx_pipeline.components.common.example_encoder import Block
from tfx_pipeline.components.example_gen import images
from tfx_pipeline.components.example_gen.images import NO_IMAGES, Images, Tally
from tfx_pipeline.components.example_gen.profile import Profile
from tfx_pipeline.errors import Finding

_BLOCK_ROWS = 8192
_KINDS = {"bytes_list": Kind.BYTES, "int64_list": Kind.INT, "float_list": Kind.FLOAT}

_EMPTY_TEXT = b"\x0a\x02\x0a\x00"
"""A feature whose only value is an empty text, as it is serialized."""


@dataclasses.dataclass(frozen=True)
class TfRecordSource:
    """TFRecord files of serialized tf.Examples.

    They are passed on unchanged, but without the columns to leave out, and with a missing
    value where the only value is an empty text.

    Attributes:
      exclude: the columns to leave out.
      images: the columns of images. An image that cannot be read becomes a missing value.
    """

    exclude: tuple[str, ...] = ()
    images: Images = NO_IMAGES

    def profile(self, path: str) -> Profile:
        """Finds each column's types, and the first record that is no tf.Example."""
        places: dict[str, dict[str, str]] = {}
        name, start = os.path.basename(path), 1
        try:
            for records in self._blocks(path):
                if not _known(_kinds(records), places, self.exclude):
                    _add_places(records, start, name, places)
                start += len(records)
        except _NoExample as error:
            return _refused(f"{name}: record {error.number} is no tf.Example")
        except Exception as error:  # of many kinds: TensorFlow's, and Arrow's
            return _refused(f"{name}: {str(error).splitlines()[0]}")
        return Profile(places={n: p for n, p in places.items() if n not in self.exclude})

    def records(
        self, path: str, kinds: Mapping[str, Kind], tally: Tally | None = None
    ) -> Iterator[Block]:
        """Blocks of serialized tf.Examples; `tally` counts the images."""
        tally = Tally() if tally is None else tally
        numbers = itertools.count(1)
        for block in self._blocks(path):
            places = (f"{os.path.basename(path)} record {next(numbers)}" for _ in block)
            made = [self._record_and_key(r, p, tally) for r, p in zip(block, places, strict=True)]
            records, keys = zip(*made, strict=True)
            yield Block(list(records), list(keys))

    def image_files(self, path: str) -> Iterator[str]:
        """None: the records have the images themselves."""
        return iter(())

    def _record_and_key(self, record: bytes, where: str, tally: Tally) -> tuple[bytes, bytes]:
        """The record to write, and the bytes that TFX's CsvExampleGen would hash."""
        if not self.exclude and not self.images.shares and _EMPTY_TEXT not in record:
            return record, record
        import tensorflow as tf

        example = tf.train.Example.FromString(record)
        features = example.features.feature
        for name in self.exclude:
            features.pop(name, None)
        empty = [n for n, f in features.items() if list(f.bytes_list.value) == [b""]]
        for name in empty:
            features[name].bytes_list.ClearField("value")
        for name in self.images.shares:
            self._check_image(name, features, where, tally)
        key = example.SerializeToString(deterministic=True)
        for name in empty:
            features[name].Clear()
        return example.SerializeToString(deterministic=True), key

    def _check_image(self, name: str, features: Any, where: str, tally: Tally) -> None:
        """Makes an image that cannot be read a missing value."""
        values = features[name].bytes_list.value if name in features else ()
        if values and values[0]:
            problem = images.unreadable(values[0])
            tally.add(name, problem and f"{where}: the image {problem}")
            if problem:
                features[name].Clear()

    def _blocks(self, path: str) -> Iterator[list[bytes]]:
        import tensorflow as tf

        compression = "GZIP" if path.endswith(".gz") else ""
        options = tf.io.TFRecordOptions(compression_type=compression)
        records = tf.compat.v1.io.tf_record_iterator(path, options)
        size = images.ROWS if self.images.shares else _BLOCK_ROWS
        while block := list(itertools.islice(records, size)):
            yield block


class _NoExample(Exception):
    """A record that is no tf.Example, by its number from 1."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


def _refused(found: str) -> Profile:
    return Profile({}, [Finding("(file)", "no TFRecord of tf.Examples", found)], 1)


def _kinds(records: Sequence[bytes]) -> dict[str, Kind] | None:
    """The columns' kinds; None if a column has several, or a record is no tf.Example."""
    from tfx_bsl.coders import example_coder

    try:
        batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(list(records))
    except RuntimeError:
        return None
    types = {field.name: getattr(field.type, "value_type", field.type) for field in batch.schema}
    return {name: arrow_kind(kind) or Kind.EMPTY for name, kind in types.items()}


def _known(
    kinds: Mapping[str, Kind] | None,
    places: Mapping[str, Mapping[str, str]],
    exclude: Collection[str],
) -> bool:
    """Whether the places of all kinds are known already."""
    if kinds is None:
        return False
    return all(
        kind == Kind.EMPTY or name in exclude or kind.name in places.get(name, ())
        for name, kind in kinds.items()
    )


def _add_places(
    records: Sequence[bytes], start: int, file: str, places: dict[str, dict[str, str]]
) -> None:
    """Adds where each column first has each kind.

    Raises:
      _NoExample: a record is none.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    for number, record in enumerate(records, start):
        try:
            example = tf.train.Example.FromString(record)
        except DecodeError:
            raise _NoExample(number) from None
        for name, feature in example.features.feature.items():
            field = feature.WhichOneof("kind")
            if field and list(feature.bytes_list.value) != [b""]:  # which is a missing value
                kind = _KINDS[field].name
                places.setdefault(name, {}).setdefault(kind, f"{file} record {number}")
