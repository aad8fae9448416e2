"""References for the export: the model in Python, Transform and Keras, warm-up requests."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tfx_pipeline.compat.autograph_rules import keras_not_converted
from tfx_pipeline.compat.saved_model_session import ServedModel, reason
from tfx_pipeline.components.common import example_files
from tfx_pipeline.components.export_check.adversarial_rows import Row
from tfx_pipeline.components.export_check.checks import difference
from tfx_pipeline.components.export_check.signature_client import Outputs, SignatureClient
from tfx_pipeline.errors import Finding
from tfx_pipeline.modeling.graph_names import of_column

_WARMUP = os.path.join("assets.extra", "tf_serving_warmup_requests")


class NotComparedError(Exception):
    """Why the export could not be compared with Transform and model."""


@contextlib.contextmanager
def unoptimized() -> Iterator[None]:
    """Graphs run as they are inside: to optimize one takes longer than to run it once."""
    name = "disable_meta_optimizer"
    before = tf.config.optimizer.get_experimental_options().get(name, False)
    tf.config.optimizer.set_experimental_options({name: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({name: before})


def load(folder: str) -> Any:
    """Loads the model in Python, in eager mode."""
    return tf.saved_model.load(folder, tags=["serve"])


def python_findings(
    model: Any, client: SignatureClient, outputs: Mapping[str, Outputs], rows: Sequence[Row]
) -> Iterator[Finding]:
    """Checks that every signature computes the same in the session and in Python.

    Args:
      model: what `load` returns.
      client: of the model in the session.
      outputs: the session's outputs for `rows`, by signature.
      rows: the rows to send.
    """
    rule = "same answer as in Python"
    for name, expected in outputs.items():
        try:
            feed = client.inputs[name].feed(rows)
            in_python = _call_signature(model.signatures[name], feed)
        except Exception as error:
            yield Finding(name, rule, reason(error))
            continue
        found = difference(expected, {k: v.numpy() for k, v in in_python.items()}, rows)
        if found:
            yield Finding(name, rule, found)


def _call_signature(function: Any, feed: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Calls a loaded signature; Python cannot pass arguments with the names of some columns."""
    _, arguments = function.structured_input_signature
    internal = not feed.keys() <= arguments.keys()
    return function(
        **{of_column(k) if internal else k: tf.constant(values) for k, values in feed.items()}
    )


def transform_findings(
    model: Any, folder: str, transform_graph: str, outputs: Outputs, rows: Sequence[Row], label: str
) -> Iterator[Finding]:
    """Checks that the export computes the same as Transform's graph and the Keras model.

    Args:
      model: what `load` returns for the folder.
      folder: the model's.
      transform_graph: Transform's output folder.
      outputs: of `serving_default` for a batch that begins with `rows`.
      rows: real rows.
      label: the label's column.

    Raises:
      NotComparedError: Transform's graph or the model cannot be called in this way: it is no
        Keras model, say, or has other inputs or outputs.
    """
    try:
        transformed = _transformed(transform_graph, rows, label)
    except Exception as error:
        raise NotComparedError(f"Transform's graph: {reason(error)}") from error
    try:
        reference = _call(model, folder, transformed)
    except Exception as error:
        raise NotComparedError(f"the model: {reason(error)}") from error
    name = _matching_output(outputs, reference)
    if name is None:
        shape = list(reference.shape)
        raise NotComparedError(f"no output of serving_default has the model's shape {shape}")
    exported = outputs[name][: len(rows)]
    found = difference({name: exported}, {name: reference.reshape(exported.shape)}, rows)
    if found:
        yield Finding("serving_default", "same answer as Transform and model", found)


def _transformed(transform_graph: str, rows: Sequence[Row], label: str) -> dict[str, np.ndarray]:
    """Rows as the training gets them, by Transform's own graph."""
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


def _call(model: Any, folder: str, transformed: Mapping[str, np.ndarray]) -> np.ndarray:
    """Calls the Keras model inside the export with transformed rows.

    Keras saves a model's call only if it cannot build the model from its settings.
    """
    if callable(model):
        function = model.__call__.concrete_functions[0]
        specs = function.structured_input_signature[0][0]
        return np.asarray(model(_inputs(specs, transformed), False, None))
    with keras_not_converted():
        keras = tf_keras.models.load_model(folder, compile=False)
    specs = keras.input if isinstance(keras.input, dict) else {keras.input.name: keras.input}
    return np.asarray(keras(_inputs(specs, transformed), training=False))


def _inputs(specs: Mapping[str, Any], transformed: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Transformed rows with the types and ranks of a model's inputs."""
    return {
        name: tf.reshape(
            tf.cast(transformed[name], spec.dtype), [-1 if d is None else d for d in spec.shape]
        )
        for name, spec in specs.items()
    }


def _matching_output(outputs: Outputs, reference: np.ndarray) -> str | None:
    """The output with as many numbers for each row as the reference."""
    per_row = reference.size // max(len(reference), 1)
    for name in ("probabilities", "predictions", *outputs):
        values = outputs.get(name)
        if values is not None and values.dtype.kind == "f" and values[0].size == per_row:
            return name
    return None


def warmup_findings(folder: str, client: SignatureClient) -> Iterator[Finding]:
    """Checks the warm-up requests.

    A server runs them before it accepts other requests. If one fails, the server does
    not load the model.
    """
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
        client.send(signature, inputs)
    except Exception as error:
        yield Finding(_WARMUP, "every request is answered", f"request {number}: {reason(error)}")


def _request(model: ServedModel, record: bytes) -> tuple[str, dict[str, Any]]:
    """Signature and input values of a serialized PredictionLog."""
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
