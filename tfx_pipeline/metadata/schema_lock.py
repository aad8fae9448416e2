"""A lock on a MySQL server, shared by processes on several machines."""

from __future__ import annotations

import contextlib
import os
import ssl
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
            ssl=_tls(config.ssl_options) if config.HasField("ssl_options") else None,
            ssl_disabled=not config.HasField("ssl_options"),
        )
    except pymysql.MySQLError as error:
        reason = str(error.args[-1])
        raise errors.PipelineError(
            f"ML Metadata cannot be opened: MySQL at {config.host}:{config.port} as "
            f"{config.user}: {reason}. Check host, user and the password in {METADATA_PASSWORD}"
        ) from error


def _tls(options: pb.MySQLDatabaseConfig.SSLOptions) -> ssl.SSLContext:
    """Verifies the server's certificate if there is a CA, but not the name of its host.

    MySQL's own certificates contain no host name.

    Raises:
      ConfigError: a file cannot be read, or is not what it should be.
    """
    for name in ("ca", "cert", "key"):
        path = getattr(options, name)
        if path and not os.access(path, os.R_OK):
            message = f"ssl_{name}: {path} cannot be read on this machine"
            raise errors.ConfigError(errors.Problem("metadata", message))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if options.ca else ssl.CERT_NONE
    try:
        if options.ca:
            context.load_verify_locations(options.ca)
        if options.cert:
            context.load_cert_chain(options.cert, options.key)
    except ssl.SSLError as error:
        files = " or ".join(filter(None, (options.ca, options.cert, options.key)))
        message = f"{files} is not a valid PEM file: {error.reason}"
        raise errors.ConfigError(errors.Problem("metadata", message)) from error
    return context
