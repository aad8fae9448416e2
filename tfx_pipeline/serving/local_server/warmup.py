"""Loads a version, and answers the warm-up requests it brings before any client's."""

from __future__ import annotations

import dataclasses
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server import example_inputs, inference
from tfx_pipeline.serving.local_server.servable import Servable
from tfx_pipeline.serving.local_server.version_state import Loaded

_ROUNDS = 10

_ANSWERS = {
    "predict_log": inference.predict,
    "classify_log": example_inputs.classify,
    "regress_log": example_inputs.regress,
    "multi_inference_log": example_inputs.multi_inference,
}


def load(one: Loaded) -> Servable:
    """The version's servable, warm.

    Raises:
      ServingError: it cannot be loaded, or cannot answer its own warm-up requests.
    """
    servable = Servable(one.found.path)
    try:
        warm_up(dataclasses.replace(one, servable=servable))
    except ServingError:
        servable.close()
        raise
    return servable


def warm_up(loaded: Loaded) -> None:
    """Answers every warm-up request, often enough for TensorFlow to have found its way.

    Raises:
      ServingError: one of them cannot be answered.
    """
    logs = [*loaded.servable.warmup_requests()]
    for log in logs * _ROUNDS:
        kind = log.WhichOneof("log_type")
        if kind not in _ANSWERS:
            continue
        try:
            _ANSWERS[kind](loaded, _request(log, kind))
        except ServingError as error:
            raise ServingError(error.code, f"warm-up failed: {error.message}") from error


def _request(log: Any, kind: str) -> Any:
    return getattr(log, kind).request
