"""What both clients share: how rows become requests, and when to retry."""

from __future__ import annotations

import abc
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfx_pipeline.errors import ConfigError, ServingError
from tfx_pipeline.serving.client import model_signature, request_encoder
from tfx_pipeline.serving.client.model_signature import Signature
from tfx_pipeline.serving.client.predictions import ChunkPredictions, Predictions, merge
from tfx_pipeline.serving.client.protocols import Call, ModelRef
from tfx_pipeline.serving.client.table import Table, to_table
from tfx_pipeline.serving.client.traffic_split import Split
from tfx_pipeline.serving.client.transport import Target
from tfx_pipeline.serving.protocol.status_codes import http_status
from tfx_pipeline.serving.protocol.tensors import Array

CHUNK_ROWS = 1024
_CHUNK_BYTES = 32_000_000
TIMEOUT_SECONDS = 30.0

_RETRIED_CODE = "UNAVAILABLE"
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.05, 2.0


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Rows that are sent in one request.

    Attributes:
      row_numbers: their numbers in the table, from 0.
      model: the model and version that receives them.
      inputs: an array for each input of the signature.
    """

    row_numbers: list[int]
    model: ModelRef
    inputs: dict[str, Array]


class BaseClient(abc.ABC):
    """The state of a client, and everything that does not wait for the server.

    `Client` explains the arguments.

    Raises:
      ConfigError: the target is not valid, or options contradict each other.
    """

    def __init__(
        self,
        target: str,
        model: str,
        version: int | None = None,
        label: str | None = None,
        *,
        split: Split | None = None,
        signature: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        chunk_rows: int = CHUNK_ROWS,
        headers: Mapping[str, str] | None = None,
        ca_file: str | None = None,
    ):
        if split is not None and (version is not None or label is not None):
            raise ConfigError("a split chooses the label: give no version and no label")
        parsed = Target(target, headers or {}, ca_file)
        self._protocol = parsed.protocol
        self._model = ModelRef(model, version, label)
        self._split, self._timeout, self._chunk_rows = split, timeout, chunk_rows
        self._signature_name = signature
        self._signature: Signature | None = None
        self._channel = self._connect(parsed)

    @abc.abstractmethod
    def _connect(self, target: Target) -> Any:
        """Returns the channel to a target."""

    def _metadata_call(self) -> Call:
        # Both sides of a split have the same columns, so either signature will do.
        label = self._split.stable if self._split else self._model.label
        return self._protocol.metadata(ModelRef(self._model.name, self._model.version, label))

    def _read_signature(self, reply: Any) -> Signature:
        signatures = self._protocol.read_metadata(reply)
        return model_signature.choose(signatures, self._signature_name, self._model.name)

    def _chunks(self, rows: Any, signature: Signature) -> Iterator[Chunk]:
        """Yields the requests to send for rows, at most `chunk_rows` or about 32 MB in each.

        Raises:
          ConfigError: the rows do not fit the signature.
        """
        table = rows if isinstance(rows, Table) else to_table(rows)
        inputs = request_encoder.encode(table, signature)
        for model, numbers in self._rows_by_model(table):
            for chunk in _parts(numbers, self._chunk_rows, _row_bytes(inputs, table.count)):
                yield Chunk(chunk, model, {name: array[chunk] for name, array in inputs.items()})

    def _rows_by_model(self, table: Table) -> list[tuple[ModelRef, list[int]]]:
        if self._split is None:
            return [(self._model, [*range(table.count)])]
        rows: dict[str, list[int]] = {}
        for number, label in enumerate(self._split.labels(table)):
            rows.setdefault(label, []).append(number)
        return [(ModelRef(self._model.name, label=label), found) for label, found in rows.items()]

    def _predict_call(self, chunk: Chunk, signature: Signature) -> Call:
        return self._protocol.predict(chunk.model, signature, chunk.inputs)

    def _read_chunk(
        self, chunk: Chunk, signature: Signature, reply: Any, seconds: float
    ) -> ChunkPredictions:
        outputs, version = self._protocol.read_predictions(chunk.model, signature, reply)
        label = chunk.model.label or ""
        return ChunkPredictions(chunk.row_numbers, outputs, version, label, seconds)

    @staticmethod
    def _merge(parts: Sequence[ChunkPredictions], signature: Signature) -> Predictions:
        return merge(parts, [*signature.outputs])


class Retries:
    """When to send a request again, within a deadline.

    Only UNAVAILABLE is retried: the server has then not begun to process the request.

    Args:
      timeout: seconds until the deadline.
    """

    def __init__(self, timeout: float):
        self._deadline = time.monotonic() + timeout
        self._pause = _FIRST_PAUSE_SECONDS

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, always more than 0."""
        return max(self._deadline - time.monotonic(), 0.001)

    def pause_after(self, error: ServingError) -> float:
        """Returns how many seconds to wait before the next attempt.

        Raises:
          ServingError: the error itself, if there is no next attempt.
        """
        pause, self._pause = self._pause, min(self._pause * 2, _MAX_PAUSE_SECONDS)
        if error.code != _RETRIED_CODE or pause >= self.seconds_left:
            raise error
        return pause


def raise_if_unavailable(reply: Any) -> Any:
    """Returns the reply, unless it is REST's form of UNAVAILABLE.

    Raises:
      ServingError: the HTTP status is 503. gRPC's channel raises the same.
    """
    if isinstance(reply, tuple) and reply[0] == http_status(_RETRIED_CODE):
        raise ServingError(_RETRIED_CODE, reply[1][:200].decode("utf-8", "replace"))
    return reply


def _row_bytes(inputs: Mapping[str, Array], rows: int) -> Array:
    """The bytes of each row's texts, int64 [rows]; images have many."""
    sizes = np.zeros(rows, np.int64)
    for array in inputs.values():
        if array.dtype == object and array.size == rows:
            sizes += np.fromiter(map(len, array.ravel()), np.int64, rows)
    return sizes


def _parts(numbers: Sequence[int], most: int, sizes: Array) -> Iterator[list[int]]:
    """Parts of at most `most` row numbers, and of one row or at most `_CHUNK_BYTES`."""
    part: list[int] = []
    size = 0
    for number in numbers:
        if part and (len(part) == most or size + sizes[number] > _CHUNK_BYTES):
            yield part
            part, size = [], 0
        part.append(number)
        size += int(sizes[number])
    if part:
        yield part


def version_states(response: Any) -> dict[int, str]:
    """Returns the names of the states in a GetModelStatusResponse, by version."""
    return {
        status.version: status.DESCRIPTOR.enum_types_by_name["State"]
        .values_by_number[status.state]
        .name
        for status in response.model_version_status
    }
