"""What PredictionService answers, from loaded versions; gRPC and REST both end here.

Error texts are TensorFlow Serving's, since users search for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server import example_inputs
from tfx_pipeline.serving.local_server.manager import Manager
from tfx_pipeline.serving.local_server.version_state import DEFAULT_SIGNATURE, Loaded, fill_spec
from tfx_pipeline.serving.protocol import protos, tensors
from tfx_pipeline.serving.protocol.status_codes import invalid

_SIGNATURE_DEF = "signature_def"


class Inference:
    """Answers requests with whichever version a request asks for."""

    def __init__(self, manager: Manager):
        self._manager = manager

    def predict(self, request: Any) -> Any:
        """PredictRequest to PredictResponse."""
        with self._acquire(request) as loaded:
            return predict(loaded, request)

    def classify(self, request: Any) -> Any:
        """ClassificationRequest to ClassificationResponse."""
        with self._acquire(request) as loaded:
            return example_inputs.classify(loaded, request)

    def regress(self, request: Any) -> Any:
        """RegressionRequest to RegressionResponse."""
        with self._acquire(request) as loaded:
            return example_inputs.regress(loaded, request)

    def multi_inference(self, request: Any) -> Any:
        """MultiInferenceRequest to MultiInferenceResponse; all tasks ask one version."""
        if not request.tasks:
            raise invalid("Inference request must have at least one task")
        with self._manager.acquire(request.tasks[0].model_spec) as loaded:
            return example_inputs.multi_inference(loaded, request)

    def metadata(self, request: Any) -> Any:
        """GetModelMetadataRequest to GetModelMetadataResponse."""
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != _SIGNATURE_DEF:
                raise invalid(f"Metadata field {field} is not supported")
        with self._acquire(request) as loaded:
            response = protos.message("GetModelMetadataResponse")()
            fill_spec(response.model_spec, loaded)
            packed = response.metadata[_SIGNATURE_DEF]
            packed.Pack(signature_map(loaded))
            return response

    def _acquire(self, request: Any) -> Any:
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        return self._manager.acquire(request.model_spec)


def predict(loaded: Loaded, request: Any) -> Any:
    """Answers a PredictRequest with one version."""
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = loaded.servable.signatures.get(name)
    if signature is None:
        raise ServingError("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
    _ensure_inputs(request.inputs, signature.inputs)
    wanted = _output_filter(request.output_filter, signature.outputs)
    feeds = {key: tensors.from_proto(proto) for key, proto in request.inputs.items()}
    outputs = loaded.servable.run(name, feeds)
    response = protos.message("PredictResponse")()
    fill_spec(response.model_spec, loaded, name)
    for key in wanted:
        tensors.to_proto(outputs[key], response.outputs[key])
    return response


def _ensure_inputs(sent: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if len(sent) != len(wanted) or not all(name in sent for name in wanted):
        sent_names, names = sorted(sent), sorted(wanted)
        extra = [name for name in sent_names if name not in wanted]
        missing = [name for name in names if name not in sent]
        raise invalid(
            f"input size does not match signature: {len(sent_names)}!={len(names)} "
            f"len({{{','.join(sent_names)}}}) != len({{{','.join(names)}}}). "
            f"Sent extra: {{{','.join(extra)}}}. "
            f"Missing but required: {{{','.join(missing)}}}."
        )


def _output_filter(wanted: Iterable[str], outputs: Mapping[str, Any]) -> list[str]:
    seen: list[str] = []
    for name in wanted:
        if name not in outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {{{','.join(sorted(outputs))}}}."
            )
        if name in seen:
            raise invalid(f"duplicate output tensor alias: {name}")
        seen.append(name)
    return seen or sorted(outputs)


def signature_map(loaded: Loaded) -> Any:
    """All signatures of a version as a SignatureDefMap."""
    result = protos.message("SignatureDefMap")()
    for name, signature in loaded.servable.signatures.items():
        result.signature_def[name].CopyFrom(signature)
    return result
