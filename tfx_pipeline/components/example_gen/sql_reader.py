"""Reads what a database returns, in blocks, with SQLAlchemy."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import operator
import os
import pathlib
from collections import Counter
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tfx_pipeline.components.example_gen.record_readers import to_arrow
from tfx_pipeline.components.example_gen.typed_source import BLOCK_ROWS
from tfx_pipeline.config import database_url
from tfx_pipeline.config.environment import DATA_PASSWORD
from tfx_pipeline.errors import (
    ConfigError,
    DataRefused,
    Finding,
    MissingExtra,
    PipelineError,
    Problem,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_LOGIN_WORDS = ("password", "authentication", "access denied", "login")


class DatabaseUnreachable(PipelineError):
    """There is no such server, or it refuses the login."""


@dataclasses.dataclass(frozen=True)
class SqlQuery:
    """What a database is asked.

    Attributes:
      url: the database, without a password.
      query: a SELECT statement, or None.
      table: the table to read instead of a query.
      partition_column: a column of whole numbers, whose ranges are read at the same time.
      partitions: how many ranges there are.
    """

    url: str
    query: str | None = None
    table: str | None = None
    partition_column: str | None = None
    partitions: int = 1

    @contextlib.contextmanager
    def open(self) -> Iterator[Database]:
        """Connections to the database.

        Raises:
          ConfigError: the driver is not installed, or the URL is not one of its.
          PipelineError: the database cannot be reached, or the query fails.
          DataRefused: the query returns two columns of one name.
        """
        engine = None
        try:
            with _one_sentence(self.url):
                engine = _engine(self.url)
                yield Database(self, engine)
        finally:
            if engine is not None:
                engine.dispose()


class Database:
    """An open database; threads may read from it at the same time."""

    def __init__(self, query: SqlQuery, engine: Engine):
        self._query, self._engine = query, engine
        self._quote = engine.dialect.identifier_preparer.quote

    @property
    def _rows(self) -> str:
        if self._query.query:
            return f"({self._query.query.strip().rstrip(';')}) tfx_rows"
        return ".".join(self._quote(part) for part in (self._query.table or "").split("."))

    def count(self) -> int:
        """The number of all rows."""
        with _one_sentence(self._query.url), self._engine.connect() as connection:
            found = connection.exec_driver_sql(f"SELECT COUNT(*) FROM {self._rows}")  # noqa: S608
            return int(found.scalar_one())

    def names(self) -> list[str]:
        """The names of the columns; no rows are read."""
        statement = f"SELECT * FROM {self._rows} WHERE 1 = 0"  # noqa: S608 - the user's own
        with _one_sentence(self._query.url), self._connect() as connection:
            names = list(connection.exec_driver_sql(statement).keys())
        _check_names(names)
        return names

    def statements(self) -> list[str]:
        """One statement for each partition; they return every row once."""
        column = self._query.partition_column
        if column is None:
            own = (self._query.query or "").strip().rstrip(";")
            return [own or f"SELECT * FROM {self._rows}"]  # noqa: S608 - the user's own
        name = self._quote(column)
        with self._engine.connect() as connection:
            bounds = f"SELECT MIN({name}), MAX({name}) FROM {self._rows}"  # noqa: S608
            low, high = connection.exec_driver_sql(bounds).one()
        if low is None:
            return [f"SELECT * FROM {self._rows}"]  # noqa: S608
        if any(
            isinstance(bound, (str, float, bytes)) or bound != int(bound) for bound in (low, high)
        ):
            message = f"must have whole numbers, {column!r} has {low!r} and {high!r}"
            raise ConfigError(Problem("data.partition_column", message))
        count = self._query.partitions
        edges = [int(low) + (int(high) - int(low) + 1) * i // count for i in range(count + 1)]
        where = [f"{name} >= {a} AND {name} < {b}" for a, b in itertools.pairwise(edges) if a < b]
        where[0] = f"({where[0]}) OR {name} IS NULL"
        return [f"SELECT * FROM {self._rows} WHERE {rule}" for rule in where]  # noqa: S608

    def blocks(self, statement: str) -> Generator[dict[str, pa.Array], None, None]:
        """The rows that a statement returns; the first block comes also if there are none."""
        with _one_sentence(self._query.url), self._connect() as connection:
            result = connection.exec_driver_sql(statement)
            names = list(result.keys()) if result.returns_rows else []
            _check_names(names)
            block = result.fetchmany(BLOCK_ROWS)
            yield _columns(names, block)
            while block := result.fetchmany(BLOCK_ROWS):
                yield _columns(names, block)

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        # `no_parameters`: a `%` in the statement stays as it is.
        return connection.execution_options(
            stream_results=True, max_row_buffer=BLOCK_ROWS, no_parameters=True
        )


def _columns(names: list[str], rows: Any) -> dict[str, pa.Array]:
    # Not `zip(*rows)`: an iterator for each row takes three times as long.
    columns = (list(map(operator.itemgetter(index), rows)) for index in range(len(names)))
    return {name: to_arrow(values) for name, values in zip(names, columns)}


def _check_names(names: list[str]) -> None:
    if not names:
        raise ConfigError(Problem("data.query", "returns no columns", "It must be a SELECT"))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        found = ", ".join(map(repr, twice))
        raise DataRefused(
            f"the query returns the column {found} twice. Name each column once, with AS",
            [Finding("(query)", "column named twice", found)],
        )


def _engine(url: str) -> Engine:
    try:
        import sqlalchemy
    except ImportError as error:
        raise MissingExtra("SQLAlchemy", "sql") from error
    dialect = database_url.dialect(url)
    if database_url.is_embedded(url) and not pathlib.Path(database_url.file_of(url)).is_file():
        message = f"{database_url.file_of(url)} does not exist"
        raise ConfigError(Problem("data.url", message, "Name the database's file"))
    scheme, _, rest = url.partition("://")
    try:
        place = sqlalchemy.make_url(f"{database_url.DRIVERS.get(scheme, scheme)}://{rest}")
        password = os.environ.get(DATA_PASSWORD)
        if password and not database_url.is_embedded(url):
            place = place.set(password=password)
        return sqlalchemy.create_engine(place, poolclass=sqlalchemy.NullPool)
    except ImportError as error:
        raise MissingExtra(f"the driver {error.name} for {dialect}", "sql") from error
    except sqlalchemy.exc.NoSuchModuleError as error:
        remedy = f"Install the package that brings SQLAlchemy's dialect {dialect!r}"
        message = f"there is no driver for {scheme}"
        raise ConfigError(Problem("data.url", message, remedy)) from error
    except sqlalchemy.exc.ArgumentError as error:
        message = f"must be {database_url.FORM}"
        raise ConfigError(Problem("data.url", message)) from error


@contextlib.contextmanager
def _one_sentence(url: str) -> Iterator[None]:
    """Turns the errors of SQLAlchemy and its drivers into one sentence without a password."""
    try:
        import sqlalchemy.exc

        database_error: type[Exception] = sqlalchemy.exc.DBAPIError
    except ImportError as error:
        raise MissingExtra("SQLAlchemy", "sql") from error
    try:
        yield
    except database_error as error:
        raise _explained(error, url) from None


def _explained(error: Any, url: str) -> PipelineError:
    reason = _without_password(str(error.orig).strip() or type(error.orig).__name__)
    if error.statement is None or error.connection_invalidated:
        login = any(word in reason.lower() for word in _LOGIN_WORDS)
        remedy = f"Check user and password; the password is read from {DATA_PASSWORD}"
        return DatabaseUnreachable(
            f"the database {url} cannot be reached: {reason}. "
            f"{remedy if login else 'Check host, port and whether it runs'}"
        )
    return PipelineError(
        f"the database {url} refuses the query: {reason}. See data.query, table, partition_column"
    )


def _without_password(text: str) -> str:
    """The first line of a message that says something."""
    password = os.environ.get(DATA_PASSWORD)
    text = text.replace(password, "***") if password else text
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else ""
