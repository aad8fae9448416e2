"""The client of TensorFlow Serving and of the local server, over gRPC or REST."""

from __future__ import annotations

import time
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.client.base import (
    BaseClient,
    Retries,
    raise_if_unavailable,
    version_states,
)
from tfx_pipeline.serving.client.model_signature import Signature
from tfx_pipeline.serving.client.predictions import Predictions
from tfx_pipeline.serving.client.protocols import Call, ModelRef
from tfx_pipeline.serving.client.transport import GrpcChannel, RestChannel, Target


class Client(BaseClient):
    """A client for one model.

    Args:
      target: `HOST:PORT` or `grpcs://HOST:PORT` for gRPC, `http(s)://HOST:PORT` for REST.
      model: the model's name.
      version, label: which version to use; without either, the latest one.
      split: sends a share of the rows to the canary; instead of version or label.
      signature: which signature to call. By default `columns`, whose inputs are the columns of
        the rows; `serving_default`, for tf.Examples, where the model has no `columns`.
      timeout: seconds for one request, including retries after UNAVAILABLE.
      chunk_rows: the maximum number of rows in one request.
      headers: headers to send with each request.
      ca_file: a file of certificates to trust for TLS, instead of the system's.

    Raises:
      ConfigError: the target is not valid, or options contradict each other.
    """

    def _connect(self, target: Target) -> RestChannel | GrpcChannel:
        return RestChannel(target) if target.is_rest else GrpcChannel(target)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def signature(self) -> Signature:
        """Returns the model's signature. Only the first call sends a request.

        Raises:
          ServingError: the server refuses the request, or cannot be reached.
          ConfigError: the model has no such signature.
        """
        if self._signature is None:
            self._signature = self._read_signature(self._send(self._metadata_call()))
        return self._signature

    def predict(self, rows: Any) -> Predictions:
        """Returns predictions for rows.

        Args:
          rows: a list of dicts, a pandas DataFrame, a pyarrow table, or the path of a
            CSV file. Values and columns that are absent are missing values.

        Raises:
          ConfigError: a value is wrong; no request was sent.
          ServingError: the server refuses a request, or cannot be reached.
        """
        signature, parts = self.signature(), []
        for chunk in self._chunks(rows, signature):
            start = time.perf_counter()
            reply = self._send(self._predict_call(chunk, signature))
            seconds = time.perf_counter() - start
            parts.append(self._read_chunk(chunk, signature, reply, seconds))
        return self._merge(parts, signature)

    def versions(self) -> dict[int, str]:
        """Returns the state of each version of the model, for example AVAILABLE.

        Raises:
          ServingError: the server refuses the request, or cannot be reached.
        """
        reply = self._send(self._protocol.status(ModelRef(self._model.name)))
        return version_states(self._protocol.read_status(reply))

    def _send(self, call: Call) -> Any:
        retries = Retries(self._timeout)
        while True:
            try:
                return raise_if_unavailable(self._channel.send(call, retries.seconds_left))
            except ServingError as error:
                time.sleep(retries.pause_after(error))
