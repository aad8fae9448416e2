"""Hands the rows of a query from a node's driver to its executor.

What goes wrong while the driver reads is kept as well, and raised by the executor: ML
Metadata keeps the message of an executor, not that of a driver.
"""

from __future__ import annotations

import json
import logging

from tfx_pipeline.components.example_gen import sql_spool
from tfx_pipeline.components.example_gen.sql_reader import SqlQuery
from tfx_pipeline.errors import PipelineError

_log = logging.getLogger(__name__)

_UNREAD = "sql,unread"
"""The fingerprint of a query that failed."""

_spools: dict[tuple[str, str], sql_spool.Spool] = {}
_errors: dict[str, PipelineError] = {}


def read(query: str) -> str:
    """Reads the rows and keeps them; returns their fingerprint.

    Args:
      query: an `SqlQuery` as JSON.
    """
    try:
        spool = sql_spool.read(SqlQuery(**json.loads(query)))
    except PipelineError as error:
        _errors[query] = error
        return _UNREAD
    _spools[query, spool.fingerprint] = spool
    _log.info("ExampleGen: the database returned %s", spool.fingerprint)
    return spool.fingerprint


def take(query: str, fingerprint: str | None) -> sql_spool.Spool:
    """The rows that `read` kept; in another process than the driver's they are read again.

    Raises:
      ConfigError, PipelineError, DataRefused: the rows cannot be read, see `SqlQuery.open`,
        or they changed after the driver had read them.
    """
    if query in _errors:
        raise _errors.pop(query)
    spool = _spools.pop((query, fingerprint or ""), None)
    if spool is not None:
        return spool
    spool = sql_spool.read(SqlQuery(**json.loads(query)))
    if fingerprint and spool.fingerprint != fingerprint:
        spool.discard()
        raise PipelineError("the rows changed while they were read from the database. Run again")
    return spool
