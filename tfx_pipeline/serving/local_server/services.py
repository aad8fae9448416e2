"""TensorFlow Serving's PredictionService and ModelService.

Messages are TensorFlow Serving's own, because users search for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server import classify_regress
from tfx_pipeline.serving.local_server.manager import Manager
from tfx_pipeline.serving.local_server.served_model import (
    DEFAULT_SIGNATURE,
    ServedVersion,
    fill_model_spec,
)
from tfx_pipeline.serving.protocol import protos, tensors
from tfx_pipeline.serving.protocol.status_codes import invalid

_SIGNATURE_DEF = "signature_def"


class PredictionService:
    """Runs requests on the version that each of them names.

    All methods take and return protobuf messages, and raise ServingError.
    """

    def __init__(self, manager: Manager):
        self._manager = manager

    def predict(self, request: Any) -> Any:
        """Returns the PredictResponse to a PredictRequest."""
        with self._acquire(request) as served:
            return predict(served, request)

    def classify(self, request: Any) -> Any:
        """Returns the ClassificationResponse to a ClassificationRequest."""
        with self._acquire(request) as served:
            return classify_regress.classify(served, request)

    def regress(self, request: Any) -> Any:
        """Returns the RegressionResponse to a RegressionRequest."""
        with self._acquire(request) as served:
            return classify_regress.regress(served, request)

    def multi_inference(self, request: Any) -> Any:
        """Returns the MultiInferenceResponse; all tasks use the version of the first."""
        if not request.tasks:
            raise invalid("Inference request must have at least one task")
        with self._manager.acquire(request.tasks[0].model_spec) as served:
            return classify_regress.multi_inference(served, request)

    def get_model_metadata(self, request: Any) -> Any:
        """Returns the GetModelMetadataResponse to a GetModelMetadataRequest."""
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != _SIGNATURE_DEF:
                raise invalid(f"Metadata field {field} is not supported")
        with self._acquire(request) as served:
            response = protos.message("GetModelMetadataResponse")()
            fill_model_spec(response.model_spec, served)
            response.metadata[_SIGNATURE_DEF].Pack(signature_def_map(served))
            return response

    def _acquire(self, request: Any) -> AbstractContextManager[ServedVersion]:
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        return self._manager.acquire(request.model_spec)


class ModelService:
    """Reports the states of versions, and takes new configurations.

    All methods take and return protobuf messages, and raise ServingError.

    Args:
      manager: holds the models.
      strict_labels: whether a new configuration may give labels only to available versions.
    """

    def __init__(self, manager: Manager, *, strict_labels: bool):
        self._manager = manager
        self._strict_labels = strict_labels

    def get_model_status(self, request: Any) -> Any:
        """Returns the GetModelStatusResponse to a GetModelStatusRequest."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        return self._manager.status(request.model_spec)

    def handle_reload_config(self, request: Any) -> Any:
        """Returns the ReloadConfigResponse to a ReloadConfigRequest."""
        error = self._manager.configure(request.config, strict_labels=self._strict_labels)
        if error:
            raise error
        response = protos.message("ReloadConfigResponse")()
        response.status.SetInParent()  # TensorFlow Serving always sends it
        return response


def predict(served: ServedVersion, request: Any) -> Any:
    """Returns the PredictResponse of one version.

    Raises:
      ServingError: the request does not fit the signature.
    """
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = served.servable.signatures.get(name)
    if signature is None:
        raise ServingError("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
    _ensure_inputs(request.inputs, signature.inputs, signature.defaults)
    wanted = _filter_outputs(request.output_filter, signature.outputs)
    sent, defaults = request.inputs, signature.defaults
    inputs = {
        key: tensors.from_proto(sent[key] if key in sent else defaults[key])
        for key in signature.inputs
    }
    outputs = served.servable.run(name, inputs)
    response = protos.message("PredictResponse")()
    fill_model_spec(response.model_spec, served, name)
    for key in wanted:
        tensors.to_proto(outputs[key], response.outputs[key])
    return response


def _ensure_inputs(
    sent: Mapping[str, Any], required: Mapping[str, Any], defaults: Mapping[str, Any]
) -> None:
    extra = sorted(name for name in sent if name not in required)
    missing = sorted(name for name in required if name not in sent and name not in defaults)
    if extra or missing:
        sent_names, names = sorted(sent), sorted(required)
        raise invalid(
            f"input size does not match signature: {len(sent_names)}!={len(names)} "
            f"len({{{','.join(sent_names)}}}) != len({{{','.join(names)}}}). "
            f"Sent extra: {{{','.join(extra)}}}. "
            f"Missing but required: {{{','.join(missing)}}}."
        )


def _filter_outputs(output_filter: Iterable[str], outputs: Mapping[str, Any]) -> list[str]:
    """Returns the names of the outputs to send: those in the filter, or all."""
    wanted: list[str] = []
    for name in output_filter:
        if name not in outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {{{','.join(sorted(outputs))}}}."
            )
        if name in wanted:
            raise invalid(f"duplicate output tensor alias: {name}")
        wanted.append(name)
    return wanted or sorted(outputs)


def signature_def_map(served: ServedVersion) -> Any:
    """Returns all signatures of a version as a SignatureDefMap."""
    result = protos.message("SignatureDefMap")()
    for name, signature in served.servable.signatures.items():
        result.signature_def[name].CopyFrom(signature)
    return result
