"""ML Metadata's database: the connection, and the creation of its schema under a lock."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import time
from collections.abc import Iterator
from typing import Literal

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

from tfx_pipeline import errors
from tfx_pipeline.config.environment import METADATA_PASSWORD
from tfx_pipeline.config.metadata_database import MySqlServer
from tfx_pipeline.metadata import schema_lock
from tfx_pipeline.metadata.restarting_store import restarting

_ATTEMPTS = 5


def connection_config(
    where: MySqlServer | Literal["sqlite"],
    sqlite_path: str | os.PathLike[str],
    *,
    read_only: bool = False,
) -> pb.ConnectionConfig:
    """ML Metadata's description of the connection, without a password.

    Args:
      read_only: whether SQLite's file is neither created nor changed. MySQL has no such mode.
    """
    config = pb.ConnectionConfig()
    if not isinstance(where, MySqlServer):
        modes = pb.SqliteMetadataSourceConfig
        config.sqlite.filename_uri = str(sqlite_path)
        config.sqlite.connection_mode = modes.READONLY if read_only else modes.READWRITE_OPENCREATE
        return config
    # ML Metadata's client takes `localhost` for a UNIX socket and ignores the port.
    config.mysql.host = "127.0.0.1" if where.host == "localhost" else where.host
    config.mysql.port, config.mysql.user = where.port, where.user
    config.mysql.database = where.database
    if where.tls is not None:
        files = {name: path for name, path in vars(where.tls).items() if path}
        config.mysql.ssl_options.CopyFrom(pb.MySQLDatabaseConfig.SSLOptions(**files))
    return config


def with_password(config: pb.ConnectionConfig) -> pb.ConnectionConfig:
    """A copy of `config` with MySQL's password from the environment."""
    result = pb.ConnectionConfig()
    result.CopyFrom(config)
    if result.HasField("mysql") and METADATA_PASSWORD in os.environ:
        result.mysql.password = os.environ[METADATA_PASSWORD]
    return result


def open_store(config: pb.ConnectionConfig) -> ml_metadata.MetadataStore:
    """Connects and, if necessary, creates the database's schema, one process at a time.

    Raises:
      PipelineError: the database cannot be reached or opened.
    """
    config = with_password(config)
    with _schema_lock(config):
        for attempt in range(_ATTEMPTS):
            try:
                store = ml_metadata.MetadataStore(config)
                return restarting(store) if config.HasField("mysql") else store
            except (RuntimeError, ml_metadata.errors.StatusError) as error:
                if attempt == _ATTEMPTS - 1:
                    raise _cannot_open(config, error) from error
                time.sleep(0.1 * 2**attempt)
    raise AssertionError("unreachable")


def place(config: pb.ConnectionConfig) -> str:
    """Where the database is, for messages."""
    if config.HasField("mysql"):
        return f"MySQL database {config.mysql.database} at {config.mysql.host}:{config.mysql.port}"
    return f"SQLite file {config.sqlite.filename_uri}"


def _cannot_open(config: pb.ConnectionConfig, error: Exception) -> errors.PipelineError:
    remedy = "Check that it is a database and that its folder is writable"
    if config.HasField("mysql"):
        remedy = f"Check host, user and the password in {METADATA_PASSWORD}"
    reason = str(error).strip().splitlines()[0]
    return errors.PipelineError(
        f"ML Metadata cannot be opened: {place(config)}: {reason}. {remedy}."
    )


@contextlib.contextmanager
def _schema_lock(config: pb.ConnectionConfig) -> Iterator[None]:
    # Two processes that create the schema at the same time fail (measured: 3 of 6 on SQLite).
    if config.HasField("mysql"):
        with schema_lock.lock(config.mysql):
            yield
        return
    path = pathlib.Path(config.sqlite.filename_uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{path}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
