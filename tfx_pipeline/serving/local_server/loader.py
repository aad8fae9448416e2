"""Loads a version and warms it up, as TensorFlow Serving does before it makes it available."""

from __future__ import annotations

import dataclasses

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server import classify_regress, services
from tfx_pipeline.serving.local_server.servable import Servable
from tfx_pipeline.serving.local_server.served_model import ServedVersion
from tfx_pipeline.storage import object_store

_ROUNDS = 10
"""TensorFlow optimises a graph in its first runs, so one run of each request is too few."""

_HANDLERS = {
    "predict_log": services.predict,
    "classify_log": classify_regress.classify,
    "regress_log": classify_regress.regress,
    "multi_inference_log": classify_regress.multi_inference,
}


def load(served: ServedVersion) -> Servable:
    """Returns the servable of a version, warmed up.

    Raises:
      ServingError: it cannot be loaded, or one of its warm-up requests fails.
      MissingExtra: what its scheme needs is not installed.
    """
    object_store.prepare([served.folder.path])
    servable = Servable(served.folder.path)
    try:
        replay_warmup_requests(dataclasses.replace(served, servable=servable))
    except ServingError:
        servable.close()
        raise
    return servable


def replay_warmup_requests(served: ServedVersion) -> None:
    """Runs the warm-up requests that the model was exported with.

    Raises:
      ServingError: one of them fails.
    """
    logs = [*served.servable.warmup_requests()]
    for log in logs * _ROUNDS:
        kind = log.WhichOneof("log_type")
        if kind not in _HANDLERS:
            continue
        try:
            _HANDLERS[kind](served, getattr(log, kind).request)
        except ServingError as error:
            raise ServingError(error.code, f"warm-up failed: {error.message}") from error
