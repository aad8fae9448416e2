"""The exported model: raw values in, predictions out, for every way of asking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from tfx_pipeline.modeling import signature_names, warmup
from tfx_pipeline.modeling.feature_base import layer_name
from tfx_pipeline.modeling.feature_table import Table

Outputs = dict[str, tf.Tensor]


def save(
    model: tf_keras.Model, table: Table, transform: tft.TFTransformOutput, folder: str
) -> None:
    """Saves the model with its preprocessing, signatures and warm-up requests.

    Args:
      model: from transformed features to probabilities or predictions.
      table: the raw columns.
      transform: Transform's output, which becomes part of the export.
      folder: `fn_args.serving_model_dir`.
    """
    save_traces = _has_own_layers(model)
    signatures = Signatures(model, table, transform)
    model.save(
        folder,
        save_format="tf",
        include_optimizer=False,
        save_traces=save_traces,
        signatures=signatures.functions(),
    )
    signature_names.amend(folder, signatures.methods(), signatures.renamed_columns())
    warmup.write(folder, table, transform)


class Signatures:
    """The functions that a server offers; see `functions`."""

    def __init__(self, model: tf_keras.Model, table: Table, transform: tft.TFTransformOutput):
        self._model = model
        self._table = table
        # The model must own what its signatures use, or it is not saved with it.
        model.transform_layer = transform.transform_features_layer()
        self._transform = model.transform_layer
        self._classes = tf.constant(table.label.classes(transform), tf.string)
        # Traced once for all signatures: a trace of Transform's graph takes half a second.
        specs = {c.name: c.tensor_spec() for c in (feature.column for feature in table.features)}
        self._answer = tf.function(self._score, input_signature=[specs], autograph=False)

    def functions(self) -> dict[str, Any]:
        """Concrete functions by signature name."""
        examples = tf.TensorSpec([None], tf.string, name="examples")
        answer = "regress" if self._table.label.task == "regression" else "classify"
        return {
            "serving_default": _concrete(self._serve, examples=examples),
            "columns": _concrete(self._columns, columns=self._column_specs()),
            answer: _concrete(
                getattr(self, f"_{answer}"), inputs=tf.TensorSpec([None], tf.string, name="inputs")
            ),
            "transform_features": _concrete(self._transform_features, examples=examples),
        }

    def methods(self) -> dict[str, str]:
        """TensorFlow Serving's method names of those signatures that are not Predict."""
        answer = "regress" if self._table.label.task == "regression" else "classify"
        return {answer: f"tensorflow/serving/{answer}"}

    def renamed_columns(self) -> dict[str, str]:
        """Raw names by the names that TensorFlow takes, where the two differ."""
        names = {layer_name(feature.name): feature.name for feature in self._table.features}
        return {taken: raw for taken, raw in names.items() if taken != raw}

    def _column_specs(self) -> dict[str, tf.TensorSpec]:
        specs = [feature.raw_spec() for feature in self._table.features]
        return {s.name: tf.TensorSpec(s.shape, s.dtype, layer_name(s.name)) for s in specs}

    def _serve(self, examples: tf.Tensor) -> Outputs:
        return self._answer(self._parse(examples))

    def _columns(self, columns: dict[str, tf.Tensor]) -> Outputs:
        raw = {f.name: f.column.from_column(columns[f.name]) for f in self._table.features}
        return self._answer(raw)

    def _classify(self, inputs: tf.Tensor) -> Outputs:
        answer = self._serve(inputs)
        return {"scores": answer["probabilities"], "classes": answer["classes"]}

    def _regress(self, inputs: tf.Tensor) -> Outputs:
        return {"outputs": self._serve(inputs)["predictions"]}

    def _transform_features(self, examples: tf.Tensor) -> Outputs:
        return dict(self._transform(self._parse(examples, with_label=True)))

    def _parse(self, examples: tf.Tensor, with_label: bool = False) -> dict[str, Any]:
        columns = [feature.column for feature in self._table.features]
        if with_label:
            columns.append(self._table.label.column)
        return tf.io.parse_example(examples, {c.name: c.parse_spec() for c in columns})

    def _score(self, raw: dict[str, Any]) -> Outputs:
        transformed = self._transform(raw)
        outputs = self._model({name: transformed[name] for name in self._model.input})
        if self._table.label.task == "regression":
            return {"predictions": tf.reshape(outputs, [-1])}
        classes = tf.tile(self._classes[tf.newaxis, :], [tf.shape(outputs)[0], 1])
        return {"probabilities": outputs, "classes": classes}


def _has_own_layers(model: tf_keras.Model) -> bool:
    """Keras can rebuild its own layers from their settings; others need their traced calls.

    Saving the traces takes some seconds.
    """
    kinds = {type(layer) for layer in model.layers}
    return any(not kind.__module__.startswith("tf_keras.") for kind in kinds)


def _concrete(function: Callable[..., Outputs], **specs: tf.TensorSpec) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(**specs)
