"""The content of requests and replies, for gRPC and for REST.

The channels in `transport` and `aio_transport` send them.
"""

from __future__ import annotations

import abc
import dataclasses
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

import numpy as np
from google.protobuf import json_format

from tfx_pipeline.errors import ConfigError, ServingError
from tfx_pipeline.serving.client import rest_json
from tfx_pipeline.serving.client.model_signature import Signature
from tfx_pipeline.serving.protocol import protos, tensors
from tfx_pipeline.serving.protocol.status_codes import grpc_code
from tfx_pipeline.serving.protocol.tensors import Array

_SIGNATURE_DEF = "signature_def"


@dataclasses.dataclass(frozen=True)
class ModelRef:
    """A model and one of its versions, by number or by label; with neither, the latest.

    Raises:
      ConfigError: both a version and a label are given.
    """

    name: str
    version: int | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        if self.version is not None and self.label is not None:
            raise ConfigError("give a version or a label, not both")


@dataclasses.dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
      method: `/service/Method` for gRPC, `POST /path` for REST.
      payload: a protobuf message for gRPC, the body for REST.
    """

    method: str
    payload: Any


class Protocol(abc.ABC):
    """Makes requests and reads replies."""

    @abc.abstractmethod
    def metadata(self, model: ModelRef) -> Call:
        """Returns the request for the model's signatures."""

    @abc.abstractmethod
    def read_metadata(self, reply: Any) -> Mapping[str, Any]:
        """Returns the SignatureDefs in a reply, by name."""

    @abc.abstractmethod
    def status(self, model: ModelRef) -> Call:
        """Returns the request for the states of the model's versions."""

    @abc.abstractmethod
    def read_status(self, reply: Any) -> Any:
        """Returns the GetModelStatusResponse in a reply."""

    @abc.abstractmethod
    def predict(self, model: ModelRef, signature: Signature, inputs: Mapping[str, Array]) -> Call:
        """Returns the request for predictions."""

    @abc.abstractmethod
    def read_predictions(
        self, model: ModelRef, signature: Signature, reply: Any
    ) -> tuple[dict[str, Array], int]:
        """Returns the outputs by name, and the version that answered; 0 if not reported."""


class GrpcProtocol(Protocol):
    """Payloads and replies are protobuf messages."""

    def metadata(self, model: ModelRef) -> Call:
        """Returns a call with a GetModelMetadataRequest."""
        request = protos.message("GetModelMetadataRequest")(model_spec=_model_spec(model))
        request.metadata_field.append(_SIGNATURE_DEF)
        return Call(f"/{protos.PREDICTION_SERVICE}/GetModelMetadata", request)

    def read_metadata(self, reply: Any) -> Mapping[str, Any]:
        """Returns the SignatureDefs in a GetModelMetadataResponse, by name."""
        result = protos.message("SignatureDefMap")()
        reply.metadata[_SIGNATURE_DEF].Unpack(result)
        return dict(result.signature_def)

    def status(self, model: ModelRef) -> Call:
        """Returns a call with a GetModelStatusRequest."""
        request = protos.message("GetModelStatusRequest")(model_spec=_model_spec(model))
        return Call(f"/{protos.MODEL_SERVICE}/GetModelStatus", request)

    def read_status(self, reply: Any) -> Any:
        """Returns the reply, which is a GetModelStatusResponse."""
        return reply

    def predict(self, model: ModelRef, signature: Signature, inputs: Mapping[str, Array]) -> Call:
        """Returns a call with a PredictRequest."""
        request = protos.message("PredictRequest")(model_spec=_model_spec(model))
        request.model_spec.signature_name = signature.name
        for name, array in inputs.items():
            tensors.to_proto(array, request.inputs[name])
        return Call(f"/{protos.PREDICTION_SERVICE}/Predict", request)

    def read_predictions(
        self, model: ModelRef, signature: Signature, reply: Any
    ) -> tuple[dict[str, Array], int]:
        """Returns the outputs in a PredictResponse, and the version that answered."""
        outputs = {name: tensors.from_proto(proto) for name, proto in reply.outputs.items()}
        return outputs, reply.model_spec.version.value


def _model_spec(model: ModelRef) -> Any:
    spec = protos.message("ModelSpec")(name=model.name)
    if model.version is not None:
        spec.version.value = model.version
    if model.label is not None:
        spec.version_label = model.label
    return spec


class RestProtocol(Protocol):
    """Payloads are bodies in JSON; replies are pairs of HTTP status and body."""

    def metadata(self, model: ModelRef) -> Call:
        """Returns a call of `GET .../metadata`."""
        return Call(f"GET {model_path(model)}/metadata", None)

    def read_metadata(self, reply: Any) -> Mapping[str, Any]:
        """Returns the SignatureDefs in a reply, by name; raises ServingError for an error."""
        found = _document(reply).get("metadata", {}).get(_SIGNATURE_DEF, {})
        result = protos.message("SignatureDefMap")()
        json_format.ParseDict(found, result, ignore_unknown_fields=True)
        return dict(result.signature_def)

    def status(self, model: ModelRef) -> Call:
        """Returns a call of `GET` on the path of the model."""
        return Call(f"GET {model_path(model)}", None)

    def read_status(self, reply: Any) -> Any:
        """Returns the GetModelStatusResponse in a reply; raises ServingError for an error."""
        response = protos.message("GetModelStatusResponse")()
        return json_format.ParseDict(_document(reply), response, ignore_unknown_fields=True)

    def predict(self, model: ModelRef, signature: Signature, inputs: Mapping[str, Array]) -> Call:
        """Returns a call of `POST ...:predict` in column format."""
        document = {"signature_name": signature.name, "inputs": rest_json.columns(inputs)}
        return Call(f"POST {model_path(model)}:predict", json.dumps(document).encode())

    def read_predictions(
        self, model: ModelRef, signature: Signature, reply: Any
    ) -> tuple[dict[str, Array], int]:
        """Returns the outputs in a reply and the requested version; raises ServingError."""
        found = _document(reply)["outputs"]
        if len(signature.outputs) == 1:  # then the reply does not name the output
            found = {next(iter(signature.outputs)): found}
        outputs: dict[str, Array] = {
            name: np.array(found[name], tensors.numpy_type(tensor.dtype))
            for name, tensor in signature.outputs.items()
        }
        return outputs, model.version or 0


def model_path(model: ModelRef) -> str:
    """Returns the path of a model in URLs, for example `/v1/models/NAME/versions/N`."""
    result = f"/v1/models/{urllib.parse.quote(model.name, safe='')}"
    if model.version is not None:
        result += f"/versions/{model.version}"
    if model.label is not None:
        result += f"/labels/{urllib.parse.quote(model.label, safe='')}"
    return result


def _document(reply: tuple[int, bytes]) -> dict[str, Any]:
    status, body = reply
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if status != 200:
        error = document.get("error") if isinstance(document, dict) else None
        text = error or body[:200].decode("utf-8", "replace") or f"HTTP status {status}"
        raise ServingError(grpc_code(status), str(text))
    if not isinstance(document, dict):
        raise ServingError("INTERNAL", "the reply is not a JSON object: is this a model server?")
    return document
