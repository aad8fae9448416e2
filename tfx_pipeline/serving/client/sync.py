"""A client of TensorFlow Serving and of the local server, over gRPC or REST."""

from __future__ import annotations

import time
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.client import base as asking
from tfx_pipeline.serving.client.model_signature import Signature
from tfx_pipeline.serving.client.predictions import Predictions
from tfx_pipeline.serving.client.protocols import Call, ModelRef
from tfx_pipeline.serving.client.transport import GrpcChannel, RestChannel, Target


class Client(asking.Asker):
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

    def _connect(self, target: Target) -> RestChannel | GrpcChannel:
        return RestChannel(target) if target.is_rest else GrpcChannel(target)

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
        return self._signature or self._learn(self._send(self._metadata_call()))

    def predict(self, rows: Any) -> Predictions:
        """Predictions for rows.

        Args:
          rows: a list of dicts, a pandas DataFrame, a pyarrow table, or the path of a
            CSV file. Absent values and columns are missing ones.

        Raises:
          ConfigError: a column of a row is wrong; nothing was sent.
          ServingError: the server refuses, or cannot be reached.
        """
        wanted, parts = self.signature(), []
        for question in self._questions(rows, wanted):
            began = time.perf_counter()
            reply = self._send(self._protocol.predict(question.model, wanted, question.feeds))
            parts.append(self._part(question, wanted, reply, time.perf_counter() - began))
        return self._merged(parts, wanted)

    def versions(self) -> dict[int, str]:
        """The states of the model's versions: AVAILABLE and others.

        Raises:
          ServingError: the server refuses, or cannot be reached.
        """
        reply = self._send(self._protocol.status(ModelRef(self._model.name)))
        return asking.states(self._protocol.read_status(reply))

    def _send(self, call: Call) -> Any:
        attempts = asking.Attempts(self._timeout)
        while True:
            try:
                return asking.checked(self._channel.send(call, attempts.left))
            except ServingError as error:
                time.sleep(attempts.pause_after(error))
