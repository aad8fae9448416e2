"""The exported model: raw values in, predictions out, in all signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from tfx_pipeline.modeling import signature_names, warmup
from tfx_pipeline.modeling.feature_table import Table
from tfx_pipeline.modeling.graph_names import of_column
from tfx_pipeline.modeling.served_network import served_network

Outputs = dict[str, tf.Tensor]


def save(
    model: tf_keras.Model, table: Table, transform: tft.TFTransformOutput, folder: str
) -> None:
    """Saves the model with its preprocessing, signatures and warm-up requests.

    Args:
      model: from transformed features, [batch, 1] each, to probabilities
        [batch, classes] or predictions [batch, 1].
      table: the features and the label.
      transform: Transform's output, which becomes part of the export.
      folder: `fn_args.serving_model_dir`.
    """
    # Keras rebuilds its own layers from their settings. Others need their traced
    # calls, which take some seconds to save.
    modules = {type(layer).__module__ for layer in _all_layers(model)}
    save_traces = any(not module.startswith("tf_keras.") for module in modules)
    signatures = Signatures(model, table, transform)
    model.save(
        folder,
        save_format="tf",
        include_optimizer=False,
        save_traces=save_traces,
        signatures=signatures.functions(),
    )
    signature_names.amend(folder, signatures.methods(), signatures.column_names())
    warmup.write(folder, table, transform)


def _all_layers(model: Any) -> Iterator[Any]:
    """The layers of a model, and those of models in it."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, tf_keras.Model):
            yield from _all_layers(layer)


class Signatures:
    """The functions that a server offers; see `functions`."""

    def __init__(self, model: tf_keras.Model, table: Table, transform: tft.TFTransformOutput):
        self._network = served_network(model)
        self._table = table
        # Keras saves only what is an attribute of the model.
        model.transform_layer = transform.transform_features_layer()
        self._transform = model.transform_layer
        self._classes = tf.constant(table.label.classes(transform), tf.string)
        # One trace for all signatures: to trace Transform's graph takes half a second.
        specs = {feature.name: feature.column.type_spec() for feature in table.features}
        self._predict = tf.function(self._outputs, input_signature=[specs], autograph=False)

    def functions(self) -> dict[str, Any]:
        """Concrete functions by signature name.

        `serving_default` and `transform_features` take serialized tf.Examples
        [batch] as `examples`, `classify` or `regress` take them as `inputs`, and
        `columns` takes one input [batch] or [batch, 1] for each raw feature.
        """
        examples = tf.TensorSpec([None], tf.string, name="examples")
        inputs = tf.TensorSpec([None], tf.string, name="inputs")
        specs = [feature.column.serving_spec() for feature in self._table.features]
        columns = {s.name: tf.TensorSpec(s.shape, s.dtype, of_column(s.name)) for s in specs}
        regression = self._table.label.task == "regression"
        by_task = self._regress if regression else self._classify
        return {
            "serving_default": _concrete(self._serving_default, examples=examples),
            "columns": _concrete(self._columns, columns=columns),
            "regress" if regression else "classify": _concrete(by_task, inputs=inputs),
            "transform_features": _concrete(self._transform_features, examples=examples),
        }

    def methods(self) -> dict[str, str]:
        """TensorFlow Serving's method names of the signatures that are not for Predict."""
        name = "regress" if self._table.label.task == "regression" else "classify"
        return {name: f"tensorflow/serving/{name}"}

    def column_names(self) -> dict[str, str]:
        """Raw names by the names of the inputs of `columns` in the graph."""
        return {of_column(feature.name): feature.name for feature in self._table.features}

    def _serving_default(self, examples: tf.Tensor) -> Outputs:
        return self._predict(self._parse(examples))

    def _columns(self, columns: dict[str, tf.Tensor]) -> Outputs:
        return self._predict(
            {f.name: f.column.from_serving_input(columns[f.name]) for f in self._table.features}
        )

    def _classify(self, inputs: tf.Tensor) -> Outputs:
        outputs = self._serving_default(inputs)
        return {"scores": outputs["probabilities"], "classes": outputs["classes"]}

    def _regress(self, inputs: tf.Tensor) -> Outputs:
        return {"outputs": self._serving_default(inputs)["predictions"]}

    def _transform_features(self, examples: tf.Tensor) -> Outputs:
        return dict(self._transform(self._parse(examples, with_label=True)))

    def _parse(self, examples: tf.Tensor, with_label: bool = False) -> dict[str, Any]:
        columns = [feature.column for feature in self._table.features]
        if with_label:
            columns.append(self._table.label.column)
        parsed = tf.io.parse_example(examples, {c.name: c.feature_spec() for c in columns})
        return {column.name: column.from_parsed(parsed[column.name]) for column in columns}

    def _outputs(self, raw: dict[str, Any]) -> Outputs:
        """[batch] predictions, or [batch, classes] probabilities and names of the classes."""
        transformed = self._transform(raw)
        # Layers that vary images in training do so by default.
        known = {name: transformed[name] for name in self._network.input}
        outputs = self._network(known, training=False)
        if self._table.label.task == "regression":
            return {"predictions": tf.reshape(outputs, [-1])}
        classes = tf.broadcast_to(self._classes, tf.shape(outputs))
        return {"probabilities": outputs, "classes": classes}


def _concrete(function: Callable[..., Outputs], **specs: Any) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(**specs)
