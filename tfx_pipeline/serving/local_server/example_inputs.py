"""Classify, Regress and MultiInference: tf.Examples in, classes or numbers out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server.version_state import DEFAULT_SIGNATURE, Loaded, fill_spec
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.protocol.status_codes import invalid

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def classify(loaded: Loaded, request: Any) -> Any:
    """Answers a ClassificationRequest with one version."""
    response = protos.message("ClassificationResponse")()
    name = _signature_name(loaded, request.model_spec)
    _ensure_classifies(loaded.servable.signatures[name])
    examples = serialized_examples(request.input)
    outputs = loaded.servable.run(name, {"inputs": examples})
    _fill_classes(response.result, outputs, len(examples))
    fill_spec(response.model_spec, loaded, name)
    return response


def regress(loaded: Loaded, request: Any) -> Any:
    """Answers a RegressionRequest with one version."""
    response = protos.message("RegressionResponse")()
    name = _signature_name(loaded, request.model_spec)
    _ensure_regresses(loaded.servable.signatures[name])
    examples = serialized_examples(request.input)
    outputs = loaded.servable.run(name, {"inputs": examples})
    _fill_regressions(response.result, outputs, len(examples))
    fill_spec(response.model_spec, loaded, name)
    return response


def multi_inference(loaded: Loaded, request: Any) -> Any:
    """Answers a MultiInferenceRequest with one version."""
    _ensure_tasks(request.tasks)
    response = protos.message("MultiInferenceResponse")()
    examples = serialized_examples(request.input)
    for task in request.tasks:
        name = task.model_spec.signature_name or DEFAULT_SIGNATURE
        if name not in loaded.servable.signatures:
            raise invalid(f"Requested signature not found in model graph: {name}")
        result = response.results.add()
        if task.method_name == CLASSIFY:
            _ensure_classifies(loaded.servable.signatures[name])
            outputs = loaded.servable.run(name, {"inputs": examples})
            _fill_classes(result.classification_result, outputs, len(examples))
        elif task.method_name == REGRESS:
            _ensure_regresses(loaded.servable.signatures[name])
            outputs = loaded.servable.run(name, {"inputs": examples})
            _fill_regressions(result.regression_result, outputs, len(examples))
        else:
            raise ServingError(
                "UNIMPLEMENTED", f"Unsupported signature method_name: {task.method_name}"
            )
        fill_spec(result.model_spec, loaded, name)
    return response


def _ensure_tasks(tasks: Any) -> None:
    signatures = [task.model_spec.signature_name or DEFAULT_SIGNATURE for task in tasks]
    for number, (task, name) in enumerate(zip(tasks, signatures)):
        if not task.model_spec.name:
            raise invalid("Found ModelSpec with an empty model name.")
        if task.model_spec.name != tasks[0].model_spec.name:
            raise invalid(
                "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            )
        if name in signatures[:number]:
            raise invalid(f"Duplicate evaluation of signature: {name}")


def serialized_examples(request_input: Any) -> np.ndarray:
    """The serialized tf.Examples of an Input; a context comes before each of them.

    Raises:
      ServingError: there are none.
    """
    context, kind = b"", request_input.WhichOneof("kind")
    if kind == "example_list_with_context":
        context = request_input.example_list_with_context.context.SerializeToString()
    examples = getattr(request_input, kind).examples if kind else ()
    if not examples:
        raise invalid("Input is empty.")
    return np.array([context + example.SerializeToString() for example in examples], object)


def _signature_name(loaded: Loaded, spec: Any) -> str:
    name = spec.signature_name or DEFAULT_SIGNATURE
    if name not in loaded.servable.signatures:
        raise invalid(f"No signature was found with the name: {name}")
    return name


def _ensure_classifies(signature: Any) -> None:
    _ensure_one_input(signature, "classification")
    if not {"classes", "scores"} & set(signature.outputs):
        raise invalid(
            "Expected classification signature outputs to contain at least one of "
            f'"classes" or "scores". Signature was: {signature}'
        )


def _ensure_regresses(signature: Any) -> None:
    _ensure_one_input(signature, "regression")
    if "outputs" not in signature.outputs:
        raise invalid(f"No regression outputs found in SignatureDef: {signature}")


def _ensure_one_input(signature: Any, kind: str) -> None:
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if "inputs" not in signature.inputs:
        raise invalid(f"No {kind} inputs found in SignatureDef: {signature}")


def _fill_classes(result: Any, outputs: Mapping[str, np.ndarray], count: int) -> None:
    named = {key: outputs[key] for key in ("classes", "scores") if key in outputs}
    for array in named.values():
        if array.ndim != 2 or len(array) != count:
            raise invalid(
                "Expected Tensor shape: [batch_size num_classes] but got "
                f"[{','.join(map(str, array.shape))}]"
            )
    labels, scores = named.get("classes"), named.get("scores")
    for row in range(count):
        classes = result.classifications.add().classes
        for column in range(next(iter(named.values())).shape[1]):
            item = classes.add()
            if labels is not None:
                item.label = labels[row, column].decode("utf-8", "replace")
            if scores is not None:
                item.score = scores[row, column]


def _fill_regressions(result: Any, outputs: Mapping[str, np.ndarray], count: int) -> None:
    values = outputs["outputs"]
    if values.size != count:
        raise invalid(
            f"Input batch size did not match output batch size: {count} vs. {values.size}"
        )
    for value in values.ravel():
        result.regressions.add().value = value
