"""What `tfx-pipeline init` reads: files, or the rows that a database returns."""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
from typing import Any

import pyarrow as pa

from tfx_pipeline.config import database_url
from tfx_pipeline.errors import ConfigError, Problem, first_of
from tfx_pipeline.profiling import (
    excel,
    found_data,
    image_folders,
    project,
    remote_files,
    sample,
    typed_files,
)
from tfx_pipeline.profiling.choice import Choice
from tfx_pipeline.profiling.sample import Sample
from tfx_pipeline.storage import s3

_OF_FILES = ("abfs", "abfss", "file", "gs", "hdfs", "http", "https", "s3")
"""Schemes of files; all others are of databases."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Rows, and how `pipeline.yaml` names where they are.

    Attributes:
      rows: the sample.
      shown: the place, for messages and comments.
      path: the file or folder; None for a database.
      csv: the table as CSV, which the project gets; None if a run reads DATA itself.
      images: class folders of images, of which the project gets a table; None for a table.
    """

    rows: Sample
    shown: str
    path: pathlib.Path | None
    csv: str | None = None
    images: image_folders.ImageFolder | None = None

    @property
    def label(self) -> str | None:
        """The column to predict if none is named."""
        return image_folders.LABEL if self.images else None

    def files(self, folder: pathlib.Path) -> dict[str, str]:
        """What a project in `folder` gets of the data, by path in its folder."""
        if self.path is None:
            return {}
        if self.images is not None:
            place = _csv_path(self.path)
            return {place: self.images.csv((folder / place).parent)}
        return {} if self.csv is None else {_csv_path(self.path): self.csv}

    def named_from(self, folder: pathlib.Path) -> tuple[Sample, str | None]:
        """The sample and `data.path` for a project in `folder`: files are named from there."""
        if s3.is_s3(self.shown):
            return self.rows, self.shown
        is_written = self.csv is not None or self.images is not None
        if is_written and self.path is not None:
            return self.rows, _csv_path(self.path)
        if self.path is not None:
            return self.rows, project.path_from(folder, self.path)
        url = str(self.rows.data["url"])
        if not database_url.is_embedded(url):
            return self.rows, None
        file = project.path_from(folder, pathlib.Path(database_url.file_of(url)))
        data = {**self.rows.data, "url": database_url.with_file(url, file)}
        return dataclasses.replace(self.rows, data=data), None


def read(data: str, query: str | None, table: str | None) -> Source:
    """Reads all of a small table, and a sample of a large one.

    Args:
      data: a file, a folder, a pattern, a place on S3, or the URL of a database.
      query: for a database, a SELECT statement.
      table: for a database, the name of a table; for an Excel file, of a sheet.

    Raises:
      ConfigError: there are no such rows, or they cannot be read.
      PipelineError: the database cannot be reached, or refuses the query.
    """
    scheme, found, _ = data.partition("://")
    if found and scheme not in _OF_FILES:
        return _database(data, query, table)
    is_sheet = not found and excel.is_excel(data)
    for option, value in (("--query", query), ("--table", None if is_sheet else table)):
        if value:
            message = f"is for a database, and {data} is none"
            raise ConfigError(Problem(option, message, f"Give a URL: {database_url.FORM}"))
    if is_sheet:
        return _excel(pathlib.Path(data), table)
    if s3.is_s3(data):
        return Source(remote_files.read(data), data, None)
    if not found and (images := image_folders.find(data)):
        return Source(images.sample(), data, images.path, images=images)
    files = found_data.find(data)
    return Source(sample.read(files), str(files.path), files.path)


def _excel(file: pathlib.Path, name: str | None) -> Source:
    sheet = excel.read(file, name)
    with tempfile.TemporaryDirectory(prefix="init-") as folder:
        copy = pathlib.Path(folder) / "table.csv"
        copy.write_text(sheet.text, encoding="utf-8")
        rows = sample.read(found_data.find(str(copy)))
    others = f", not {first_of([*map(repr, sheet.others)], 3)}" if sheet.others else ""
    choice = Choice("sheet", sheet.name, f"written to {_csv_path(file)} of the project{others}")
    rows = dataclasses.replace(rows, where=str(file), choices=(choice, *rows.choices))
    return Source(rows, str(file), file, sheet.text)


def _csv_path(file: pathlib.Path) -> str:
    """Where the project has a sheet."""
    return f"data/{project.pipeline_name(str(file))}.csv"


def _database(url: str, query: str | None, table: str | None) -> Source:
    from tfx_pipeline.components.example_gen.sql_reader import SqlQuery

    try:
        database_url.check(url)
    except ValueError as error:
        raise ConfigError(Problem("DATA", str(error))) from error
    if bool(query) == bool(table):
        message = "a database needs either --query or --table"
        raise ConfigError(Problem("", message, "Name a table, or give a SELECT statement"))
    keys: dict[str, Any] = {"format": "sql", "url": url}
    keys |= {"query": query} if query else {"table": table}
    with SqlQuery(url=url, query=query, table=table).open() as database:
        total = database.count()
        found = _first_rows(database)
    where = table or "the query"
    if not found.num_rows:
        raise ConfigError(Problem("", f"{where} returns no rows"))
    return Source(sample.of_typed(found, total, keys, where), table or url, None)


def _first_rows(database: Any) -> pa.Table:
    pieces: dict[str, list[pa.Array]] = {}
    rows = 0
    blocks = database.blocks(database.statements()[0])
    try:
        for block in blocks:
            for name, values in block.items():
                pieces.setdefault(name, []).append(values)
            rows += len(next(iter(block.values())))
            if rows >= typed_files.MOST_ROWS:
                break
    finally:
        blocks.close()
    tables = [
        pa.table({name: column[index] for name, column in pieces.items()})
        for index in range(len(next(iter(pieces.values()))))
    ]
    return typed_files.together(tables, "the database's rows")
