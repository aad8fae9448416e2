"""One loaded version of a model: a graph-mode session, as TensorFlow Serving runs it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

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
      warmup_path: the file of warm-up requests, which a model need not have.

    Raises:
      ServingError: the SavedModel cannot be loaded.
    """

    def __init__(self, folder: str):
        self.warmup_path = os.path.join(folder, _WARMUP)
        try:
            self._model = ServedModel(folder, defer_errors=True)
        except Exception as error:
            raise _as_serving_error(error) from error
        self.signatures = {
            name: protos.message("tensorflow.SignatureDef").FromString(s.SerializeToString())
            for name, s in self._model.signatures.items()
        }

    def run(self, signature: str, feeds: Mapping[str, np.ndarray]) -> Arrays:
        """Runs a signature on a batch; all its inputs must be there.

        Raises:
          ServingError: TensorFlow refuses the values, or the signature cannot be called.
        """
        try:
            outputs = self._model.call(signature, feeds)
        except Exception as error:
            # Only now: a signature may declare another type than its graph has, and
            # TensorFlow Serving takes what the graph says.
            _ensure_types(self.signatures[signature], feeds)
            raise _as_serving_error(error) from error
        return {name: _as_array(value) for name, value in outputs.items()}

    def warmup_requests(self) -> Iterator[Any]:
        """The PredictionLogs that the model was exported with.

        Raises:
          ServingError: the file cannot be read.
        """
        path = self.warmup_path
        if not tf.io.gfile.exists(path):
            logging.info("No warmup data file found at %s: first requests are slow", path)
            return
        try:
            for record in tf.compat.v1.io.tf_record_iterator(path):
                yield protos.message("PredictionLog").FromString(record)
        except DecodeError as error:
            raise invalid(f"Failed to parse warmup record from {path}: {error}") from error
        except tf.errors.DataLossError as error:
            message = f"{_first_line(error)}. Please verify your warmup data is in TFRecord format."
            raise ServingError("DATA_LOSS", message) from error
        except tf.errors.OpError as error:
            raise _as_serving_error(error) from error

    def close(self) -> None:
        """Ends the session; no request may be running."""
        self._model.close()


def _ensure_types(signature: Any, feeds: Mapping[str, np.ndarray]) -> None:
    for name, array in feeds.items():
        wanted = signature.inputs[name].dtype
        if array.dtype != tensors.numpy_type(wanted):
            raise invalid(
                f"input {name!r} must be of type {tensors.type_name(wanted)}, "
                f"found {tensors.array_type_name(array)}"
            )


def _as_array(value: Any) -> np.ndarray:
    """Returns an output as an array; the session returns a scalar string as bytes."""
    if isinstance(value, np.ndarray):
        return value
    return np.array(value, object if isinstance(value, bytes) else None)


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
