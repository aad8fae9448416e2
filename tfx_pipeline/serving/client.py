"""A client of TensorFlow Serving and of the local server, over gRPC or REST."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving import asking, predictions, signature
from tfx_pipeline.serving.channels import GrpcChannel, RestChannel, Target
from tfx_pipeline.serving.protocols import Call, ModelRef
from tfx_pipeline.serving.routing import Split
from tfx_pipeline.serving.signature import Signature

CHUNK_ROWS = 1024
TIMEOUT_SECONDS = 30.0


class Client:
    """Asks one model.

    Args:
      target: `HOST:PORT` or `grpcs://HOST:PORT` for gRPC, `http(s)://HOST:PORT` for REST.
      model: its name.
      version, label: which version; absent, the latest.
      split: sends a share of the rows to the canary, in place of version or label.
      signature: what to call; its inputs are the rows' columns.
      timeout: seconds for one request, attempts after UNAVAILABLE included.
      chunk_rows: the most rows of one request.
      headers: sent along.
      ca_file: certificates to trust in TLS.

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
        signature: str = signature.COLUMNS,
        timeout: float = TIMEOUT_SECONDS,
        chunk_rows: int = CHUNK_ROWS,
        headers: Mapping[str, str] | None = None,
        ca_file: str | None = None,
    ):
        where = Target(target, headers or {}, ca_file)
        self._model = ModelRef(model, version, label)
        asking.ensure_one_choice(self._model, split)
        self._split, self._timeout, self._chunk_rows = split, timeout, chunk_rows
        self._signature_name = signature
        self._signature: Signature | None = None
        self._protocol = where.protocol
        self._channel = RestChannel(where) if where.is_rest else GrpcChannel(where)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._channel.close()

    def signature(self) -> Signature:
        """What the model takes and gives; asked once.

        Raises:
          ServingError: the server refuses, or cannot be reached.
          ConfigError: the model has no such signature.
        """
        if self._signature is None:
            # The sides of a split have the same columns: either may say which.
            label = self._split.stable if self._split else self._model.label
            model = ModelRef(self._model.name, self._model.version, label)
            reply = self._send(self._protocol.metadata(model))
            definitions = self._protocol.read_metadata(reply)
            self._signature = signature.choose(definitions, self._signature_name, model.name)
        return self._signature

    def predict(self, rows: Any) -> predictions.Predictions:
        """Predictions for rows.

        Args:
          rows: a list of dicts, a pandas DataFrame, a pyarrow table, or the path of a
            CSV file. Absent values and columns are missing ones.

        Raises:
          ConfigError: a column of a row is wrong; nothing was sent.
          ServingError: the server refuses, or cannot be reached.
        """
        wanted = self.signature()
        parts = []
        for question in asking.questions(rows, wanted, self._model, self._split, self._chunk_rows):
            parts.append(self._ask(question, wanted))
        count = sum(len(part.numbers) for part in parts)
        return predictions.merge(parts, count, [*wanted.outputs])

    def _ask(self, question: asking.Question, wanted: Signature) -> predictions.Part:
        model, began = question.model, time.perf_counter()
        reply = self._send(self._protocol.predict(model, wanted, question.feeds))
        seconds = time.perf_counter() - began
        outputs, version = self._protocol.read_predictions(model, wanted, reply)
        return predictions.Part(question.numbers, outputs, version, model.label or "", seconds)

    def versions(self) -> dict[int, str]:
        """The states of the model's versions: AVAILABLE and others.

        Raises:
          ServingError: the server refuses, or cannot be reached.
        """
        reply = self._send(self._protocol.status(ModelRef(self._model.name)))
        return states(self._protocol.read_status(reply))

    def _send(self, call: Call) -> Any:
        attempts = asking.Attempts(self._timeout)
        while True:
            try:
                return asking.checked(self._channel.send(call, attempts.left))
            except ServingError as error:
                time.sleep(attempts.pause_after(error))


def states(status: Any) -> dict[int, str]:
    """Version states by version, from a GetModelStatusResponse."""
    return {
        one.version: one.DESCRIPTOR.enum_types_by_name["State"].values_by_number[one.state].name
        for one in status.model_version_status
    }
