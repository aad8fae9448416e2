"""What the clients share, waiting or not: which requests to make, when to try again."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfx_pipeline.errors import ConfigError, ServingError
from tfx_pipeline.serving import feeding, tables
from tfx_pipeline.serving.protocols import ModelRef
from tfx_pipeline.serving.routing import Split
from tfx_pipeline.serving.signature import Signature
from tfx_pipeline.serving.statuses import http_status
from tfx_pipeline.serving.tables import Table

_RETRIED = "UNAVAILABLE"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


@dataclasses.dataclass(frozen=True)
class Question:
    """One request to make: these rows of the table, to this version of the model."""

    numbers: list[int]
    model: ModelRef
    feeds: dict[str, np.ndarray]


def questions(
    rows: Any, signature: Signature, model: ModelRef, split: Split | None, chunk_rows: int
) -> Iterator[Question]:
    """The requests for some rows, in chunks, and by label where traffic is split.

    Raises:
      ConfigError: the rows do not fit the signature; nothing was sent then.
    """
    table = rows if isinstance(rows, Table) else tables.read(rows)
    feeds = feeding.feed(table, signature)
    for label, numbers in _sides(table, split):
        target = model if label is None else ModelRef(model.name, label=label)
        for start in range(0, len(numbers), chunk_rows):
            chunk = numbers[start : start + chunk_rows]
            yield Question(chunk, target, {name: array[chunk] for name, array in feeds.items()})


def _sides(table: Table, split: Split | None) -> Iterator[tuple[str | None, list[int]]]:
    if split is None:
        yield None, [*range(table.count)]
        return
    sides: dict[str, list[int]] = {}
    for number, label in enumerate(split.labels(table)):
        sides.setdefault(label, []).append(number)
    yield from sides.items()


def ensure_one_choice(model: ModelRef, split: Split | None) -> None:
    """Raises:
    ConfigError: a version or label is asked for although traffic is split.
    """
    if split is not None and (model.version is not None or model.label is not None):
        raise ConfigError("a split decides by label: give no version and no label")


class Attempts:
    """When to send a request again, within a deadline.

    Only UNAVAILABLE is tried again: then the server has not begun to answer.
    """

    def __init__(self, timeout: float):
        self._deadline = time.monotonic() + timeout
        self._pause = _FIRST_PAUSE

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return max(self._deadline - time.monotonic(), 0.001)

    def pause_after(self, error: ServingError) -> float:
        """How long to wait before the next attempt.

        Raises:
          ServingError: the error itself, when there is to be none.
        """
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE)
        if error.code != _RETRIED or pause >= self.left:
            raise error
        return pause


def checked(reply: Any) -> Any:
    """A REST reply that says 503 is an error like gRPC's, to be tried again.

    Raises:
      ServingError: it says so.
    """
    if isinstance(reply, tuple) and reply[0] == http_status(_RETRIED):
        raise ServingError(_RETRIED, reply[1][:200].decode("utf-8", "replace"))
    return reply
