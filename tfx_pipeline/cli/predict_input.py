"""The rows of FILE for `tfx-pipeline predict`, also where they are written as the training data."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import pathlib
import re
from collections.abc import Iterator
from typing import IO, TextIO

from tfx_pipeline.config import data_files, text_format
from tfx_pipeline.config.columns import FALSE_TEXTS, TRUE_TEXTS
from tfx_pipeline.config.loader import read_config
from tfx_pipeline.config.models import Config
from tfx_pipeline.config.text_format import CSV, TextFormat
from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.client import row_files

_NUMBER = re.compile(r"\s*[+-]?[0-9.,'\s\u00a0]+\s*")


@contextlib.contextmanager
def open_rows(name: str, file_format: str, config_path: str) -> Iterator[TextIO]:
    """Opens FILE as UTF-8 text with commas, or as JSON lines.

    A text file whose header has columns of the model when it is read as `data:` of the
    configuration says is converted: encoding, delimiter, numbers, missing values, header.

    Args:
      name: the file; `-` is standard input, which is never converted.
      file_format: csv or jsonl.
      config_path: the configuration; there may be none.

    Raises:
      ConfigError: the file cannot be read.
    """
    config = _config(config_path) if file_format == row_files.CSV and name != "-" else None
    path = pathlib.Path(name)
    if config is None or not path.is_file() or not _is_in_its_form(path, config):
        with row_files.open_input(name) as file:
            yield file
        return
    text = config.data.text_format
    with open(path, "rb") as raw, data_files.decompressed(raw, path.name) as plain:
        lines = _converted(name, plain, config, text)
        yield io.TextIOWrapper(io.BufferedReader(_Lines(lines)), encoding="utf-8", newline="")


def _config(path: str) -> Config | None:
    if not pathlib.Path(path).exists():
        return None
    config = read_config(path, (), root=None).config
    return config if isinstance(config, Config) and _differs(config) else None


def _differs(config: Config) -> bool:
    text = config.data.text_format
    is_plain = text == CSV and not any(c.type == "boolean" for c in config.columns.values())
    return config.data.format in data_files.DELIMITED and not is_plain


def _is_in_its_form(path: pathlib.Path, config: Config) -> bool:
    text = config.data.text_format
    if text.header:
        return True
    header = data_files.columns(path, config.data.format, text) or []
    return bool({*header} & {*config.features, config.label.name})


def _converted(name: str, file: IO[bytes], config: Config, text: TextFormat) -> Iterator[bytes]:
    lines = text_format.decoded_lines(file, text.codec)
    reader = csv.reader(itertools.islice(lines, text.skip_rows, None), **text.csv_options())
    filled = (row for row in reader if row)
    try:
        written = list(text.header) or next(filled, [])
        header = text_format.column_names(written, text)
        yield _line(header)
        missing = frozenset(text.no_values)
        booleans = {n for n, c in config.columns.items() if c.type == "boolean"}
        texts = {n for n, c in config.columns.items() if c.type not in ("boolean", "number")}
        kinds = ["boolean" if n in booleans else "text" if n in texts else "" for n in header]
        for row in filled:
            values = [value.strip() if text.trim else value for value in row]
            values = ["" if value in missing else value for value in values]
            pairs = itertools.zip_longest(values, kinds[: len(values)], fillvalue="")
            yield _line([_plain(value, kind, text) for value, kind in pairs])
    except csv.Error as error:
        where = f"line {text.skip_rows + reader.line_num}"
        raise ConfigError(Problem(name, f"{where}: {error}")) from error


def _plain(value: str, kind: str, text: TextFormat) -> str:
    if kind == "boolean":
        lower = value.strip().lower()
        return "1" if lower in TRUE_TEXTS else "0" if lower in FALSE_TEXTS else value
    plain_numbers = text.decimal == "." and not text.thousands
    if kind == "text" or plain_numbers or not _NUMBER.fullmatch(value):
        return value
    grouped = value.replace(text.thousands, "") if text.thousands else value
    return grouped.replace(text.decimal, ".")


def _line(values: list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue().encode("utf-8", "surrogatepass")


class _Lines(io.RawIOBase):
    """A file of lines that are made when they are read."""

    def __init__(self, lines: Iterator[bytes]):
        self._lines, self._rest = lines, b""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills the buffer as far as the next lines do."""
        while not self._rest:
            line = next(self._lines, None)
            if line is None:
                return 0
            self._rest = line
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)
