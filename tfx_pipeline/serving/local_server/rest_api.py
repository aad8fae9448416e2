"""TensorFlow Serving's REST API: method, path and body in, status and JSON out."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import re
import time
import urllib.parse
from typing import Any

from tfx_pipeline.compat import protobuf_json
from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server import (
    classify_regress,
    rest_body,
    rest_examples,
    rest_request,
    rest_response,
    services,
)
from tfx_pipeline.serving.local_server.manager import Manager
from tfx_pipeline.serving.local_server.metrics import Metrics
from tfx_pipeline.serving.local_server.served_model import DEFAULT_SIGNATURE
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.protocol.status_codes import http_status, invalid

_VERSION = r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_PREDICTION = re.compile(
    rf"(?i)/v1/models/(?P<model>[^/:]+){_VERSION}:(?P<method>classify|regress|predict)"
)
_STATUS = re.compile(rf"(?i)/v1/models(?:/(?P<model>[^/:]+))?{_VERSION}(?:/(?P<method>metadata))?")

_MAX_VERSION = 2**63 - 1
_VERSION_DIGITS = len(str(_MAX_VERSION))


@dataclasses.dataclass(frozen=True)
class Response:
    """An HTTP status and a body in JSON."""

    status: int
    body: bytes


class RestApi:
    """Processes requests. Its methods may run in many threads at once.

    Args:
      manager: holds the models.
      metrics: counts the requests.
    """

    def __init__(self, manager: Manager, metrics: Metrics):
        self._manager = manager
        self._metrics = metrics

    def handle(self, method: str, path: str, body: bytes, content_encoding: str = "") -> Response:
        """Returns the response to one request; never raises.

        Args:
          method: the HTTP method.
          path: the path of the URL, still quoted.
          body: the body.
          content_encoding: the header of that name.
        """
        start, code = time.perf_counter(), "OK"
        match = (_PREDICTION if method == "POST" else _STATUS).fullmatch(path)
        try:
            if match is None or method not in ("GET", "POST"):
                raise invalid(f"Malformed request: {method} {path}")
            body = rest_body.decompress(body, content_encoding)
            response = Response(200, self._dispatch(method, match, body))
        except ServingError as error:
            code, response = error.code, error_response(error)
        except Exception:
            logging.exception("%s %s failed", method, path)
            code = "INTERNAL"
            response = error_response(ServingError(code, "the server failed; see its log"))
        if match is not None and (model := _unquote(match["model"])):
            # Names of unknown models are not counted: clients could invent any number.
            name = model if self._manager.has_model(model) else ""
            api = (match["method"] or "status").capitalize()
            self._metrics.record(name, api, "REST", code, start)
        return response

    def _dispatch(self, method: str, match: re.Match[str], body: bytes) -> bytes:
        spec = _model_spec(match)
        kind = (match["method"] or "").lower()
        if method == "GET":
            return self._metadata(spec) if kind else self._status(spec)
        document = rest_request.parse(body)
        if kind == "predict":
            return self._predict(spec, document)
        if kind == "classify":
            return self._classify(spec, document)
        return self._regress(spec, document)

    def _predict(self, spec: Any, document: dict[str, Any]) -> bytes:
        sent_name = rest_request.signature_name(document)
        name = sent_name or DEFAULT_SIGNATURE
        with self._manager.acquire(spec) as served:
            signature = served.servable.signatures.get(name)
            if signature is None:
                raise invalid(f'Serving signature name: "{name}" not found in signature def')
            if not signature.inputs:
                which = sent_name or "DEFAULT"
                raise invalid(f"Failed to get input map for signature: {which}")
            inputs = rest_request.inputs(document, signature.inputs)
            outputs = served.servable.run(name, inputs)
        is_rows = rest_request.is_row_format(document)
        to_json = rest_response.row_format if is_rows else rest_response.column_format
        return rest_response.dumps(to_json(outputs), outputs.values())

    def _classify(self, spec: Any, document: dict[str, Any]) -> bytes:
        request = protos.message("ClassificationRequest")(model_spec=spec)
        rest_examples.fill_request(request, document)
        with self._manager.acquire(spec) as served:
            results = rest_examples.classes(classify_regress.classify(served, request))
        return rest_response.dumps({"results": results}, rest_examples.scores(results))

    def _regress(self, spec: Any, document: dict[str, Any]) -> bytes:
        request = protos.message("RegressionRequest")(model_spec=spec)
        rest_examples.fill_request(request, document)
        with self._manager.acquire(spec) as served:
            results = rest_examples.values(classify_regress.regress(served, request))
        return rest_response.dumps({"results": results}, rest_examples.scores(results))

    def _status(self, spec: Any) -> bytes:
        status = protobuf_json.with_defaults(self._manager.status(spec))
        return json.dumps(status, indent=2).encode()

    def _metadata(self, spec: Any) -> bytes:
        with self._manager.acquire(spec) as served:
            model_spec = {
                "name": served.model,
                "signature_name": "",
                "version": str(served.version),
            }
            signatures = protobuf_json.with_defaults(services.signature_def_map(served))
        metadata = {"signature_def": signatures}
        return rest_response.dumps({"model_spec": model_spec, "metadata": metadata})


def error_response(error: ServingError) -> Response:
    """Returns the response for an error."""
    message = error.message.encode("utf-8", "replace").decode()  # no lone surrogates in JSON
    return Response(http_status(error.code), rest_response.dumps({"error": message}))


def _model_spec(match: re.Match[str]) -> Any:
    spec = protos.message("ModelSpec")(name=_unquote(match["model"]))
    if not spec.name:
        raise invalid("Missing model name in request.")
    if match["version"]:
        # The number of digits first: Python refuses to convert thousands of them.
        digits = match["version"].lstrip("0") or "0"
        version = int(digits) if len(digits) <= _VERSION_DIGITS else math.inf
        if version > _MAX_VERSION:
            raise invalid(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = version
    if match["label"]:
        spec.version_label = _unquote(match["label"])
    return spec


def _unquote(text: str | None) -> str:
    return urllib.parse.unquote(text or "", errors="replace")
