"""One loaded version of a model: a graph-mode session, as TensorFlow Serving runs it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_pipeline.compat.saved_model_session import ServedModel
from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.protocol import protos, tensors
from tfx_pipeline.serving.protocol.status_codes import NUMBERS, invalid

_WARMUP = os.path.join("assets.extra", "tf_serving_warmup_requests")

Arrays = dict[str, np.ndarray]

_CODE_NAMES = {number: name for name, number in NUMBERS.items()}


class Servable:
    """A SavedModel in a session. Calls may come from many threads at once.

    Attributes:
      signatures: SignatureDefs by name.

    Raises:
      ServingError: the SavedModel cannot be loaded.
    """

    def __init__(self, folder: str):
        self.folder = folder
        try:
            self._model = ServedModel(folder)
        except Exception as error:
            raise _as_serving_error(error) from error
        self.signatures = {
            name: protos.message("tensorflow.SignatureDef").FromString(s.SerializeToString())
            for name, s in self._model.signatures.items()
        }

    def run(self, signature: str, feeds: Mapping[str, np.ndarray]) -> Arrays:
        """Runs a signature on a batch; all its inputs must be there.

        Raises:
          ServingError: TensorFlow refuses the values.
        """
        _ensure_types(self.signatures[signature], feeds)
        try:
            return self._model.call(signature, feeds)
        except Exception as error:
            raise _as_serving_error(error) from error

    def warmup_requests(self) -> Iterator[Any]:
        """The PredictionLogs that the export brings.

        Raises:
          ServingError: the file cannot be read.
        """
        path = os.path.join(self.folder, _WARMUP)
        if not tf.io.gfile.exists(path):
            logging.warning("%s brings no warm-up requests: its first answers are slow", path)
            return
        try:
            for record in tf.compat.v1.io.tf_record_iterator(path):
                yield protos.message("PredictionLog").FromString(record)
        except (tf.errors.OpError, ValueError) as error:
            raise invalid(f"{path} cannot be read: {_first_line(error)}") from error

    def close(self) -> None:
        """Ends the session; no request may be running."""
        self._model.close()


def _ensure_types(signature: Any, feeds: Mapping[str, np.ndarray]) -> None:
    for name, array in feeds.items():
        wanted = signature.inputs[name].dtype
        if array.dtype != tensors.numpy_type(wanted):
            found = "string" if array.dtype == object else array.dtype.name
            raise invalid(
                f"input {name!r} must be of type {tensors.type_name(wanted)}, found {found}"
            )


def _as_serving_error(error: Exception) -> ServingError:
    if isinstance(error, ServingError):
        return error
    if isinstance(error, tf.errors.OpError):
        code = _CODE_NAMES.get(error.error_code, "UNKNOWN")
        return ServingError(code, _first_line(error))
    if isinstance(error, OSError):
        return ServingError("NOT_FOUND", _first_line(error))
    return invalid(_first_line(error))


def _first_line(error: Exception) -> str:
    """Without the Python traces that TensorFlow appends."""
    text = getattr(error, "message", None) or str(error)
    return text.strip().partition("\n")[0] or type(error).__name__
