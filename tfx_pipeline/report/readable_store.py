"""Turns what can be wrong with the store of the runs into one sentence."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator

from tfx_pipeline import errors

_PATIENCE = 5.0
"""Seconds to wait for a lock: a run in progress holds it for much less."""
_REMEDY = "If another process has locked it, try again when that has ended"


def ensure(path: pathlib.Path, patience: float = _PATIENCE) -> None:
    """Refuses a damaged database, or one that stays locked. ML Metadata would wait for minutes.

    Raises:
      ConfigError: it is one of the two. A file that is not there is accepted.
    """
    if not path.exists():
        return
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=patience)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        message = f"ML Metadata cannot be read: {error}"
        raise errors.ConfigError(errors.Problem(str(path), message, _REMEDY)) from error


def gone(path: pathlib.Path) -> errors.ConfigError:
    """The error of a database that is not there although runs are."""
    message = "the database of ML Metadata is gone, and with it what the runs made"
    remedy = "Restore it, or run the pipeline again"
    return errors.ConfigError(errors.Problem(str(path), message, remedy))


@contextlib.contextmanager
def errors_explained(where: str) -> Iterator[None]:
    """Turns errors of ML Metadata into a ConfigError of one line.

    Args:
      where: the database, for the message.
    """
    import ml_metadata.errors as store_errors

    try:
        yield
    except errors.ConfigError:
        raise
    except errors.PipelineError as error:  # it cannot be opened
        raise errors.ConfigError(str(error)) from error
    except store_errors.StatusError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        message = f"ML Metadata cannot be read: {reason}"
        raise errors.ConfigError(errors.Problem(where, message, _REMEDY)) from error
