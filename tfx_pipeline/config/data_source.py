"""`data:`, where the rows come from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, NonNegativeInt

from tfx_pipeline.config import database_url
from tfx_pipeline.config.base import Section
from tfx_pipeline.config.splits import SpanWindow, Split
from tfx_pipeline.config.text_format import TextFormat, codec_name

_SQL_KEYS = ("query", "table", "partition_column")
_LINE_BREAKS = "\r\n"


def _character(value: str) -> str:
    if len(value) != 1 or not value.isascii() or value in _LINE_BREAKS:
        raise ValueError(f"must be one ASCII character and no line break, found {value!r}")
    return value


def _encoding(value: str) -> str:
    try:
        return codec_name(value)
    except (LookupError, ValueError):
        raise ValueError(
            f"{value!r} is no encoding that Python knows, such as utf-8, utf-16, cp932, latin-1"
        ) from None


Character = Annotated[str, pydantic.AfterValidator(_character)]
Encoding = Annotated[str, pydantic.AfterValidator(_encoding)]


class Data(Section):
    """Where the rows come from. [data.md](data.md) explains the formats and types."""

    format: Literal["csv", "tsv", "jsonl", "parquet", "orc", "avro", "tfrecord", "sql"] = "csv"
    """The format of the files; `jsonl` is one JSON object in each line. Files of text may be
    compressed with gzip or zstd (`.gz`, `.zst`), TFRecord files with gzip. `sql`: the rows are in
    a database."""
    path: str = ""
    """A folder of files, or one file; required for files. If it contains `{SPAN}` (and
    `{VERSION}`), ExampleGen reads the newest span. A runtime parameter, `data_path`."""
    url: Annotated[str, pydantic.AfterValidator(database_url.check)] | None = None
    """For `sql`: the database, `DIALECT://USER@HOST[:PORT]/DATABASE` or `sqlite:///FILE`. The
    password is read from the variable `TFX_PIPELINE_DATA_PASSWORD`."""
    query: str | None = None
    """For `sql`: the SELECT statement that returns the rows."""
    table: str | None = None
    """For `sql`: the table whose rows are read, instead of a query: `TABLE` or `SCHEMA.TABLE`."""
    partition_column: str | None = None
    """For `sql`: a column of whole numbers. The rows are read in `partitions` ranges of it at the
    same time."""
    partitions: Annotated[int, Field(ge=2, le=64)] = 4
    """For `sql`: how many ranges of `partition_column` there are."""
    span: NonNegativeInt | SpanWindow | None = None
    """With `{SPAN}` or a date in `path`: the number of one span, or `{last: N}`, the newest span
    and those of the N - 1 numbers (or days) before it. Absent: the newest span."""
    split: Split = Split()
    """How the rows are divided into the splits train, eval and test."""
    exclude: tuple[str, ...] = ()
    """Columns to leave out, in every format."""
    missing: tuple[str, ...] = ("",)
    """Texts that stand for no value, for example `["", "?", "NA"]`. An empty value always does."""
    delimiter: Character | None = None
    """In text files: the character between two values of a row. Absent: a comma for `csv`, a tab
    for `tsv`."""
    quote: Literal[""] | Character = '"'
    """In text files: the character around values that hold a delimiter or a line break. `""`:
    there is none."""
    encoding: Encoding = "utf-8"
    """In text files: any encoding that Python knows, for example `utf-16`, `cp932` (Shift-JIS) or
    `latin-1`."""
    decimal: Literal[".", ","] = "."
    """In text files: the character before the fraction of a number."""
    thousands: Annotated[str, Field(max_length=1)] = ""
    """In text files: the character between groups of digits in a number. `""`: there is none."""
    trim: bool = False
    """In text files: drops blanks at both ends of values and of columns' names."""
    skip_rows: NonNegativeInt = 0
    """In text files: the number of lines before the header, or before the first row if `header` is
    given."""
    header: tuple[str, ...] = ()
    """In text files: the columns' names, if the files do not begin with them."""

    @property
    def text_format(self) -> TextFormat:
        """How files of delimited text are written."""
        return TextFormat(
            delimiter=self.delimiter or ("\t" if self.format == "tsv" else ","),
            quote=self.quote,
            encoding=self.encoding,
            decimal=self.decimal,
            thousands=self.thousands,
            missing=self.missing,
            skip_rows=self.skip_rows,
            header=self.header,
            trim=self.trim,
        )

    @property
    def is_sql(self) -> bool:
        """Whether the rows are in a database."""
        return self.format == "sql"

    @property
    def sql(self) -> dict[str, Any] | None:
        """What a database is asked; None for files."""
        if not self.is_sql:
            return None
        values = {key: getattr(self, key) for key in ("url", *_SQL_KEYS)}
        if self.partition_column:
            values["partitions"] = self.partitions
        return {key: value for key, value in values.items() if value is not None}

    @pydantic.model_validator(mode="after")
    def _has_a_place(self) -> Data:
        if not self.is_sql:
            given = [key for key in ("url", *_SQL_KEYS) if getattr(self, key) is not None]
            if given:
                raise ValueError(
                    f"has {given[0]!r}, which is for format 'sql', not {self.format!r}"
                )
            if not self.path:
                raise ValueError("has no 'path'. Add it: a folder of files, or one file")
            return self
        if self.path:
            raise ValueError("has a 'path', which is for files. Format 'sql' has 'url'")
        if self.url is None:
            raise ValueError(f"has no 'url'. Add it: {database_url.FORM}")
        if bool(self.query) == bool(self.table):
            raise ValueError("must have either 'query' or 'table' for format 'sql'")
        return self

    @pydantic.model_validator(mode="after")
    def _can_tell_apart(self) -> Data:
        text = self.text_format
        if text.delimiter == text.quote:
            raise ValueError(f"has the same character as delimiter and quote: {text.quote!r}")
        if text.thousands and (text.thousands == text.decimal or text.thousands in "0123456789+-"):
            raise ValueError(
                f"thousands must differ from decimal, digits and signs, found {text.thousands!r}"
            )
        twice = sorted({name for name in text.header if text.header.count(name) > 1})
        if twice:
            raise ValueError(f"header names {', '.join(map(repr, twice))} twice")
        return self

    @pydantic.field_validator("missing", "header", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        """YAML reads 999 and NA alike as people write them; both are texts here."""
        if not isinstance(value, list):
            return value
        return [
            str(v) if isinstance(v, (int, float)) and not isinstance(v, bool) else v for v in value
        ]
