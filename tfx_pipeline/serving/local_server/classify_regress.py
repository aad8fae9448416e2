"""Classify, Regress and MultiInference: tf.Examples in, classes or numbers out.

Messages are TensorFlow Serving's own, because users search for them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server.served_model import (
    DEFAULT_SIGNATURE,
    ServedVersion,
    fill_model_spec,
)
from tfx_pipeline.serving.protocol import protos, tensors
from tfx_pipeline.serving.protocol.status_codes import invalid
from tfx_pipeline.serving.protocol.tensors import Array

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def classify(served: ServedVersion, request: Any) -> Any:
    """Returns the ClassificationResponse of one version to a ClassificationRequest.

    Raises:
      ServingError: the request does not fit the signature.
    """
    response = protos.message("ClassificationResponse")()
    name = _signature_name(served, request.model_spec)
    _ensure_classify_signature(served.servable.signatures[name])
    _classify(served, name, serialized_examples(request.input), response.result)
    fill_model_spec(response.model_spec, served, name)
    return response


def regress(served: ServedVersion, request: Any) -> Any:
    """Returns the RegressionResponse of one version to a RegressionRequest.

    Raises:
      ServingError: the request does not fit the signature.
    """
    response = protos.message("RegressionResponse")()
    name = _signature_name(served, request.model_spec)
    _ensure_regress_signature(served.servable.signatures[name])
    _regress(served, name, serialized_examples(request.input), response.result)
    fill_model_spec(response.model_spec, served, name)
    return response


def multi_inference(served: ServedVersion, request: Any) -> Any:
    """Returns the MultiInferenceResponse of one version to a MultiInferenceRequest.

    Raises:
      ServingError: a task is not valid, or does not fit its signature.
    """
    _ensure_tasks(request.tasks)
    response = protos.message("MultiInferenceResponse")()
    examples = serialized_examples(request.input)
    for task in request.tasks:
        name = task.model_spec.signature_name or DEFAULT_SIGNATURE
        if name not in served.servable.signatures:
            raise invalid(f"Requested signature not found in model graph: {name}")
        result = response.results.add()
        if task.method_name == CLASSIFY:
            _ensure_classify_signature(served.servable.signatures[name])
            _classify(served, name, examples, result.classification_result)
        elif task.method_name == REGRESS:
            _ensure_regress_signature(served.servable.signatures[name])
            _regress(served, name, examples, result.regression_result)
        else:
            message = f"Unsupported signature method_name: {task.method_name}"
            raise ServingError("UNIMPLEMENTED", message)
        fill_model_spec(result.model_spec, served, name)
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


def serialized_examples(request_input: Any) -> Array:
    """Returns the serialized tf.Examples of an Input, each with the context before it.

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


def _signature_name(served: ServedVersion, spec: Any) -> str:
    name = spec.signature_name or DEFAULT_SIGNATURE
    if name not in served.servable.signatures:
        raise invalid(f"No signature was found with the name: {name}")
    return name


def _ensure_classify_signature(signature: Any) -> None:
    _ensure_one_input(signature, "classification")
    if len(signature.outputs) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if not {"classes", "scores"} & set(signature.outputs):
        raise invalid(
            "Expected classification signature outputs to contain at least one of "
            f'"classes" or "scores". Signature was: {signature}'
        )


def _ensure_regress_signature(signature: Any) -> None:
    _ensure_one_input(signature, "regression")
    if len(signature.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    if "outputs" not in signature.outputs:
        raise invalid(f"No regression outputs found in SignatureDef: {signature}")


def _ensure_one_input(signature: Any, kind: str) -> None:
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if "inputs" not in signature.inputs:
        raise invalid(f"No {kind} inputs found in SignatureDef: {signature}")


def _classify(served: ServedVersion, signature: str, examples: Array, result: Any) -> None:
    """Runs a signature and fills a ClassificationResult."""
    outputs = served.servable.run(signature, {"inputs": examples})
    labels, scores = outputs.get("classes"), outputs.get("scores")
    if labels is not None:
        _ensure_class_output("classes", labels, len(examples), "DT_STRING")
    if scores is not None:
        _ensure_class_output("scores", scores, len(examples), "DT_FLOAT")
    if labels is not None and scores is not None and labels.shape != scores.shape:
        raise invalid(
            "Tensors class and score should match in dim_size(1). "
            f"Got {labels.shape[1]} vs. {scores.shape[1]}"
        )
    class_count = (labels if labels is not None else scores).shape[1]
    for row in range(len(examples)):
        classes = result.classifications.add().classes
        for column in range(class_count):
            item = classes.add()
            if labels is not None:
                item.label = labels[row, column].decode("utf-8", "replace")
            if scores is not None:
                item.score = scores[row, column]


def _ensure_class_output(name: str, array: Array, batch_size: int, type_name: str) -> None:
    if array.ndim != 2:
        raise invalid(
            f"Expected Tensor shape: [batch_size num_classes] but got {tensors.shape_text(array)}"
        )
    if (found := tensors.array_enum_name(array)) != type_name:
        raise invalid(f"Expected {name} Tensor of {type_name}. Got: {found}")
    if len(array) != batch_size:
        raise invalid(f"Expected {name} output batch size of {batch_size}. Got: {len(array)}")


def _regress(served: ServedVersion, signature: str, examples: Array, result: Any) -> None:
    """Runs a signature and fills a RegressionResult."""
    values = served.servable.run(signature, {"inputs": examples})["outputs"]
    if values.ndim != 1 and not (values.ndim == 2 and values.shape[1] == 1):
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] "
            f"but got {tensors.shape_text(values)}"
        )
    if len(values) != len(examples):
        raise invalid(
            f"Input batch size did not match output batch size: {len(examples)} vs. {len(values)}"
        )
    if (found := tensors.array_enum_name(values)) != "DT_FLOAT":
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {found}")
    for value in values.ravel():
        result.regressions.add().value = value
