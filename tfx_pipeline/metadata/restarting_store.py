"""Calls of ML Metadata that begin again when the database server has taken them back.

ML Metadata does so after a deadlock, but does not know the error of MariaDB from 11.6.2 on
(`innodb_snapshot_isolation`): a row that is to be read has changed since the transaction began.
That happens when nodes run side by side. Each call is one transaction, so it can be repeated.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, cast

import ml_metadata

_TAKEN_BACK = "try restarting transaction"
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, *[1.0] * 6)
"""Seconds between the attempts."""


def restarting(store: ml_metadata.MetadataStore) -> ml_metadata.MetadataStore:
    """The store, whose calls are made again after such an error."""
    return cast(ml_metadata.MetadataStore, _RestartingStore(store))


class _RestartingStore:
    def __init__(self, store: ml_metadata.MetadataStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return functools.partial(_call, found) if callable(found) else found


def _call(method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    for pause in _PAUSES:
        try:
            return method(*arguments, **options)
        except ml_metadata.errors.InternalError as error:
            if _TAKEN_BACK not in str(error):
                raise
        time.sleep(pause)
    return method(*arguments, **options)
