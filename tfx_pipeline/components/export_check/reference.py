"""More witnesses for the export check: Python, Transform with the model, warm-up."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_pipeline.compat.saved_model_session import ServedModel, reason
from tfx_pipeline.components.common import example_files
from tfx_pipeline.components.export_check.adversarial_rows import Row
from tfx_pipeline.components.export_check.checks import difference
from tfx_pipeline.components.export_check.signature_client import Answer, SignatureClient
from tfx_pipeline.errors import Finding

_log = logging.getLogger(__name__)

_WARMUP = os.path.join("assets.extra", "tf_serving_warmup_requests")


def load(folder: str) -> Any:
    """The model as Python loads it."""
    # As in the session: optimizing a graph that runs once takes longer than running it.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    return tf.saved_model.load(folder, tags=["serve"])


def python_findings(
    model: Any, client: SignatureClient, answers: Mapping[str, Answer], rows: Sequence[Row]
) -> Iterator[Finding]:
    """What a server computes is what Python computes."""
    rule = "same answer as in Python"
    for name, answer in answers.items():
        try:
            feed = client.inputs[name].feed(rows)
            outputs = model.signatures[name](**{k: tf.constant(v) for k, v in feed.items()})
        except Exception as error:
            yield Finding(name, rule, reason(error))
            continue
        found = difference(answer, {k: v.numpy() for k, v in outputs.items()}, rows)
        if found:
            yield Finding(name, rule, found)


def transform_findings(
    model: Any, transform_graph: str, answer: Answer, rows: Sequence[Row], label: str
) -> Iterator[Finding]:
    """The export answers like Transform's graph followed by the Keras model.

    A model that is not Keras, or wants other inputs, cannot be asked in this way;
    that is noted in the log and no reason to refuse.
    """
    try:
        transformed = _transformed(transform_graph, rows, label)
        reference = _call(model, transformed)
    except Exception as error:
        _log.info("ExportCheck: not compared with Transform and model: %s", reason(error))
        return
    name = _same_kind(answer, reference)
    if name is None:
        _log.info("ExportCheck: not compared with Transform and model: other outputs")
        return
    mine = {name: answer[name][: len(rows)]}
    found = difference(mine, {name: reference.reshape(mine[name].shape)}, rows)
    if found:
        yield Finding("serving_default", "same answer as Transform and model", found)


def _transformed(transform_graph: str, rows: Sequence[Row], label: str) -> dict[str, np.ndarray]:
    """Rows as training saw them, by Transform's own graph."""
    import tensorflow_transform as tft

    transform = tft.TFTransformOutput(transform_graph)
    spec = {k: v for k, v in transform.raw_feature_spec().items() if k != label}
    records = [row.example.SerializeToString() for row in rows]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        raw = tf.io.parse_example(records, spec)
        outputs = transform.transform_raw_features(raw, drop_unused_features=True)
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(tf.compat.v1.tables_initializer())
        return session.run(outputs)


def _call(model: Any, transformed: Mapping[str, np.ndarray]) -> np.ndarray:
    """The Keras model inside the export, on its own inputs.

    tf_keras.models.load_model would build it anew in three seconds from the same file.
    """
    function = model.__call__.concrete_functions[0]
    specs = function.structured_input_signature[0][0]
    inputs = {name: tf.cast(transformed[name], spec.dtype) for name, spec in specs.items()}
    shaped = {name: tf.reshape(inputs[name], _shape(spec)) for name, spec in specs.items()}
    outputs = model(shaped, False, None)
    return np.asarray(outputs)


def _shape(spec: tf.TensorSpec) -> list[int]:
    return [-1 if size is None else size for size in spec.shape]


def _same_kind(answer: Answer, reference: np.ndarray) -> str | None:
    per_row = reference.size // max(len(reference), 1)
    for name in ("probabilities", "predictions", *answer):
        values = answer.get(name)
        if values is not None and values.dtype.kind == "f" and values[0].size == per_row:
            return name
    return None


def warmup_findings(folder: str, client: SignatureClient) -> Iterator[Finding]:
    """A server runs these requests before it answers; one that fails takes it down."""
    path = os.path.join(folder, _WARMUP)
    if not tf.io.gfile.exists(path):
        return
    try:
        for number, record in enumerate(next(example_files.batches(path, 1000), []), 1):
            yield from _request_findings(client, number, record)
    except tf.errors.OpError as error:
        yield Finding(_WARMUP, "is a TFRecord of PredictionLogs", reason(error))


def _request_findings(client: SignatureClient, number: int, record: bytes) -> Iterator[Finding]:
    try:
        signature, inputs = _request(client.model, record)
        if signature not in client.model.signatures:
            raise ValueError(f"there is no signature {signature!r}")
        client.ask_request(signature, inputs)
    except Exception as error:
        yield Finding(_WARMUP, "every request is answered", f"request {number}: {reason(error)}")


def _request(model: ServedModel, record: bytes) -> tuple[str, dict[str, Any]]:
    """Signature and inputs of a PredictionLog."""
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictionLog.FromString(record)
    kind = log.WhichOneof("log_type")
    if kind is None:
        raise ValueError("not a PredictionLog")
    request = getattr(log, kind).request
    signature = request.model_spec.signature_name or "serving_default"
    if kind == "predict_log":
        return signature, {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
    if kind not in ("classify_log", "regress_log"):
        raise ValueError(f"a {kind} cannot be checked")
    examples = request.input.example_list.examples
    values = np.array([example.SerializeToString() for example in examples], dtype=object)
    definition = model.signatures.get(signature)
    name = next(iter(definition.inputs), "inputs") if definition else "inputs"
    return signature, {name: values}
