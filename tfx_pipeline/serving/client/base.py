"""What the clients share, waiting or not: which requests to make, when to try again."""

from __future__ import annotations

import abc
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfx_pipeline.errors import ConfigError, ServingError
from tfx_pipeline.serving.client import model_signature, request_encoder
from tfx_pipeline.serving.client import rows as tables
from tfx_pipeline.serving.client.model_signature import Signature
from tfx_pipeline.serving.client.predictions import Part, Predictions, merge
from tfx_pipeline.serving.client.protocols import Call, ModelRef
from tfx_pipeline.serving.client.rows import Table
from tfx_pipeline.serving.client.traffic_split import Split
from tfx_pipeline.serving.client.transport import Target
from tfx_pipeline.serving.protocol.status_codes import http_status

CHUNK_ROWS = 1024
TIMEOUT_SECONDS = 30.0

_RETRIED = "UNAVAILABLE"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class Asker(abc.ABC):
    """What a client is told, and what it has learnt; `Client` says what the arguments are.

    Raises:
      ConfigError: the target is none, or options contradict each other.
    """

    def __init__(
        self,
        target: str,
        model: str,
        version: int | None = None,
        label: str | None = None,
        *,
        split: Split | None = None,
        signature: str = model_signature.COLUMNS,
        timeout: float = TIMEOUT_SECONDS,
        chunk_rows: int = CHUNK_ROWS,
        headers: Mapping[str, str] | None = None,
        ca_file: str | None = None,
    ):
        if split is not None and (version is not None or label is not None):
            raise ConfigError("a split decides by label: give no version and no label")
        self._target = Target(target, headers or {}, ca_file)
        self._protocol = self._target.protocol
        self._model = ModelRef(model, version, label)
        self._split, self._timeout, self._chunk_rows = split, timeout, chunk_rows
        self._signature_name = signature
        self._signature: Signature | None = None
        self._channel = self._connect(self._target)

    @abc.abstractmethod
    def _connect(self, target: Target) -> Any:
        """The channel to a target."""

    def _metadata_call(self) -> Call:
        # The sides of a split have the same columns: either may say which.
        label = self._split.stable if self._split else self._model.label
        return self._protocol.metadata(ModelRef(self._model.name, self._model.version, label))

    def _learn(self, reply: Any) -> Signature:
        definitions = self._protocol.read_metadata(reply)
        self._signature = model_signature.choose(
            definitions, self._signature_name, self._model.name
        )
        return self._signature

    def _questions(self, rows: Any, wanted: Signature) -> Iterator[Question]:
        return questions(rows, wanted, self._model, self._split, self._chunk_rows)

    def _part(self, question: Question, wanted: Signature, reply: Any, seconds: float) -> Part:
        model = question.model
        outputs, version = self._protocol.read_predictions(model, wanted, reply)
        return Part(question.numbers, outputs, version, model.label or "", seconds)

    @staticmethod
    def _merged(parts: Sequence[Part], wanted: Signature) -> Predictions:
        count = sum(len(part.numbers) for part in parts)
        return merge(parts, count, [*wanted.outputs])


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
    feeds = request_encoder.feed(table, signature)
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


def states(status: Any) -> dict[int, str]:
    """Version states by version, from a GetModelStatusResponse."""
    return {
        one.version: one.DESCRIPTOR.enum_types_by_name["State"].values_by_number[one.state].name
        for one in status.model_version_status
    }
