"""TensorFlow Serving's REST API: method, path and body in; status and JSON out."""

from __future__ import annotations

import dataclasses
import logging
import re
import time
import urllib.parse
from typing import Any

from google.protobuf import json_format

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server import (
    example_inputs,
    inference,
    rest_examples,
    rest_output,
    rest_tensors,
)
from tfx_pipeline.serving.local_server.manager import Manager
from tfx_pipeline.serving.local_server.metrics import Metrics
from tfx_pipeline.serving.local_server.version_state import DEFAULT_SIGNATURE, Loaded
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.protocol.status_codes import http_status, invalid

_TARGET = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICTION = re.compile(
    rf"(?i)/v1/models/(?P<model>[^/:]+){_TARGET}:(?P<method>classify|regress|predict)"
)
_STATUS = re.compile(rf"(?i)/v1/models(?:/(?P<model>[^/:]+))?{_TARGET}(?:/(?P<method>metadata))?")

_GREATEST_VERSION = 2**63 - 1


@dataclasses.dataclass(frozen=True)
class Answer:
    """What goes back to the client."""

    status: int
    body: bytes


class RestApi:
    """Answers requests. Its methods may run in many threads at once."""

    def __init__(self, manager: Manager, metrics: Metrics):
        self._manager = manager
        self._metrics = metrics

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answers one request; never raises."""
        began, code = time.perf_counter(), "OK"
        match = (_PREDICTION if method == "POST" else _STATUS).fullmatch(path)
        try:
            if match is None or method not in ("GET", "POST"):
                raise invalid(f"Malformed request: {method} {path}")
            answer = Answer(200, self._dispatch(method, match, body))
        except ServingError as error:
            code, answer = error.code, refusal(error)
        except Exception:
            logging.exception("%s %s failed", method, path)
            code = "INTERNAL"
            answer = refusal(ServingError(code, "the server failed; its log says why"))
        if match is not None and (model := _unquoted(match["model"])):
            name = model if self._manager.knows(model) else ""
            api = (match["method"] or "status").capitalize()
            self._metrics.record(name, api, "REST", code, began)
        return answer

    def _dispatch(self, method: str, match: re.Match[str], body: bytes) -> bytes:
        spec = _model_spec(match)
        kind = (match["method"] or "").lower()
        if method == "GET":
            return self._metadata(spec) if kind else self._status(spec)
        if kind == "predict":
            return self._predict(spec, rest_tensors.parse(body))
        return self._answer_examples(kind, spec, rest_tensors.parse(body))

    def _predict(self, spec: Any, document: dict[str, Any]) -> bytes:
        name = rest_tensors.signature_name(document) or DEFAULT_SIGNATURE
        with self._manager.acquire(spec) as loaded:
            signature = _signature(loaded, name)
            feeds = rest_tensors.feeds(document, signature.inputs)
            outputs = loaded.servable.run(name, feeds)
        as_rows = rest_tensors.is_row_format(document)
        shape = rest_output.row_format if as_rows else rest_output.column_format
        return rest_output.dumps(shape(outputs), outputs.values())

    def _answer_examples(self, kind: str, spec: Any, document: dict[str, Any]) -> bytes:
        name = "ClassificationRequest" if kind == "classify" else "RegressionRequest"
        request = protos.message(name)(model_spec=spec)
        rest_examples.fill_request(request, document)
        with self._manager.acquire(spec) as loaded:
            if kind == "classify":
                results = rest_examples.classes(example_inputs.classify(loaded, request))
            else:
                results = rest_examples.values(example_inputs.regress(loaded, request))
        return rest_output.dumps({"results": results}, rest_examples.scores(results))

    def _status(self, spec: Any) -> bytes:
        return json_format.MessageToJson(
            self._manager.status(spec),
            preserving_proto_field_name=True,
            including_default_value_fields=True,
        ).encode()

    def _metadata(self, spec: Any) -> bytes:
        with self._manager.acquire(spec) as loaded:
            model_spec = {
                "name": loaded.model,
                "signature_name": "",
                "version": str(loaded.version),
            }
            signatures = json_format.MessageToDict(
                inference.signature_map(loaded),
                preserving_proto_field_name=True,
                including_default_value_fields=True,
            )
        metadata = {"signature_def": signatures}
        return rest_output.dumps({"model_spec": model_spec, "metadata": metadata})


def refusal(error: ServingError) -> Answer:
    """The answer that an error stands for."""
    return Answer(http_status(error.code), rest_output.dumps({"error": error.message}))


def _signature(loaded: Loaded, name: str) -> Any:
    signature = loaded.servable.signatures.get(name)
    if signature is None:
        raise invalid(f'Serving signature name: "{name}" not found in signature def')
    return signature


def _model_spec(match: re.Match[str]) -> Any:
    spec = protos.message("ModelSpec")(name=_unquoted(match["model"]))
    if not spec.name:
        raise invalid("Missing model name in request.")
    if match["version"]:
        version = int(match["version"])
        if version > _GREATEST_VERSION:
            raise invalid(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = version
    if match["label"]:
        spec.version_label = _unquoted(match["label"])
    return spec


def _unquoted(text: str | None) -> str:
    return urllib.parse.unquote(text or "", errors="replace")
