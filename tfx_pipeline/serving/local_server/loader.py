"""Loads a version and warms it up, as TensorFlow Serving does before it makes it available."""

from __future__ import annotations

import dataclasses
import logging

from tfx_pipeline.compat import s3_access
from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server import classify_regress, services
from tfx_pipeline.serving.local_server.servable import Servable
from tfx_pipeline.serving.local_server.served_model import ServedVersion
from tfx_pipeline.serving.protocol.status_codes import invalid

_MAX_RECORDS = 1000
"""TensorFlow Serving's limit."""

_HANDLERS = {
    "predict_log": services.predict,
    "classify_log": classify_regress.classify,
    "regress_log": classify_regress.regress,
    "multi_inference_log": classify_regress.multi_inference,
}


def load(served: ServedVersion, *, warmup_iterations: int = 1) -> Servable:
    """Returns the servable of a version, warmed up.

    Args:
      served: the version.
      warmup_iterations: how often each warm-up request is run; 0 for no warm-up.

    Raises:
      ServingError: it cannot be loaded, or one of its warm-up requests fails.
      MissingExtra: what its scheme needs is not installed.
    """
    s3_access.prepare([served.folder.path])
    with s3_access.readable_by_tensorflow(served.folder.path) as folder:
        servable = Servable(folder)
        try:
            if warmup_iterations:
                warm_up(dataclasses.replace(served, servable=servable), warmup_iterations)
        except BaseException:
            servable.close()
            raise
        return servable


def warm_up(served: ServedVersion, iterations: int) -> None:
    """Runs the warm-up requests that the model was exported with.

    Raises:
      ServingError: one of them fails, or there are too many.
    """
    path, count = served.servable.warmup_path, 0
    for log in served.servable.warmup_requests():
        kind = log.WhichOneof("log_type")
        if kind and kind not in _HANDLERS:
            number = log.DESCRIPTOR.fields_by_name[kind].number
            message = f"Unsupported log_type for warmup: {number}"
            raise ServingError("UNIMPLEMENTED", message)
        for _ in range(iterations if kind else 0):
            try:
                _HANDLERS[kind](served, getattr(log, kind).request)
            except ServingError as error:
                raise ServingError(error.code, f"warm-up failed: {error.message}") from error
        count += 1
        if count > _MAX_RECORDS:
            raise invalid(
                f"Number of warmup records exceeds the maximum ({_MAX_RECORDS}) at {path}"
            )
    if count:
        logging.info("%s: %d warm-up requests were run", path, count)
