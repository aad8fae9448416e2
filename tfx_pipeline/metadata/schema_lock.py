"""A lock on a MySQL server, shared by processes on several machines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from tfx_pipeline import errors
from tfx_pipeline.config.environment import METADATA_PASSWORD

WAIT_SECONDS = 120
_CONNECT_SECONDS = 20


@contextlib.contextmanager
def lock(config: pb.MySQLDatabaseConfig) -> Iterator[None]:
    """Holds the lock for one database's schema; a process that dies releases it.

    Raises:
      MissingExtra: PyMySQL is not installed.
      PipelineError: the server cannot be reached, or another process keeps the lock.
    """
    connection = _connect(config)
    try:
        with connection.cursor() as cursor:
            name = f"tfx-pipeline {config.database}"[:64]  # MySQL's limit
            cursor.execute("SELECT GET_LOCK(%s, %s)", (name, WAIT_SECONDS))
            if cursor.fetchone()[0] != 1:
                raise errors.PipelineError(
                    f"ML Metadata cannot be opened: another process has held the lock {name!r} "
                    f"on {config.host} for {WAIT_SECONDS} seconds. End it, then try again"
                )
        yield
    finally:
        connection.close()


def _connect(config: pb.MySQLDatabaseConfig) -> Any:
    try:
        import pymysql
    except ImportError as error:
        raise errors.MissingExtra("PyMySQL", "mysql") from error
    try:
        return pymysql.connect(
            host=config.host,
            port=config.port,
            user=config.user,
            password=config.password,
            connect_timeout=_CONNECT_SECONDS,
        )
    except pymysql.MySQLError as error:
        reason = str(error.args[-1])
        raise errors.PipelineError(
            f"ML Metadata cannot be opened: MySQL at {config.host}:{config.port} as "
            f"{config.user}: {reason}. Check host, user and the password in {METADATA_PASSWORD}"
        ) from error
