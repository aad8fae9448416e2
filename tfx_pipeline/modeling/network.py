"""The network: embedded numbers and categories into dense layers, beside a linear part.

The network that is trained ends in logits. The model that is exported ends in
probabilities or, for regression, in the label's own unit.
"""

from __future__ import annotations

from typing import Any

import tensorflow_transform as tft
import tf_keras

# Exported again for `modules/`: it makes the models that `build_model` returns.
from tfx_pipeline.compat.graph_training import functional_model as functional_model
from tfx_pipeline.config import training as config_lib
from tfx_pipeline.modeling.feature_table import Table
from tfx_pipeline.modeling.numeric_embedding import embed_numbers
from tfx_pipeline.modeling.training import Setup

layers = tf_keras.layers


def build_model(setup: Setup) -> tf_keras.Model:
    """The default network, from transformed features to logits.

    Returns:
      A model with a dict of inputs [batch, 1] and the output [batch, units], or
      [batch, members, units] of an ensemble: one logit for two classes, one for each of
      several classes, one standardised number for regression.
    """
    inputs, features = encode_features(setup.table, setup.transform, setup.model)
    hidden = hidden_layers(features, setup.model)
    units = setup.table.label.output_units(setup.transform)
    return functional_model(inputs, output_layer(hidden, features, setup.model, units))


def encode_features(
    table: Table, transform: tft.TFTransformOutput, config: config_lib.Model | None = None
) -> tuple[dict[str, Any], Any]:
    """The network's inputs by name, and all of them encoded side by side as [batch, n].

    Args:
      table: the features.
      transform: Transform's output, for the sizes of vocabularies.
      config: the section `model`, for the embedding of numbers; without it numbers are as
        Transform made them.
    """
    inputs: dict[str, Any] = {}
    encoded: list[Any] = []
    numbers: list[Any] = []
    for feature in table.features:
        with feature.named_in_errors("model_inputs"):
            feature_inputs = feature.model_inputs()
        inputs.update(feature_inputs)
        with feature.named_in_errors("encode"):
            encoded += feature.encode(feature_inputs, transform)
        with feature.named_in_errors("numbers"):
            numbers += feature.ordered(feature_inputs)
    if config is not None and config.numeric_embedding is not None and numbers:
        replaced = set(map(id, numbers))
        others = [tensor for tensor in encoded if id(tensor) not in replaced]
        encoded = embed_numbers(numbers, config.numeric_embedding) + others
    if len(encoded) == 1:
        return inputs, encoded[0]
    return inputs, layers.Concatenate(name="features")(encoded)


def hidden_layers(features: Any, config: config_lib.Model) -> Any:
    """Dense layers of the widths in `hidden_units`.

    Returns:
      [batch, last width], or [batch, members, last width] of an ensemble. The members' first
      layers are one large layer, and they share the layers after it.
    """
    hidden, members = features, config.ensemble or 1
    for number, width in enumerate(config.hidden_units or ()):
        is_first = number == 0
        outputs = width * members if is_first else width
        hidden = layers.Dense(outputs, activation="relu", kernel_regularizer=_l2(config))(hidden)
        if is_first and members > 1:
            hidden = layers.Reshape((members, width), name="members")(hidden)
        if config.dropout:
            hidden = layers.Dropout(config.dropout)(hidden)
    return hidden


def output_layer(hidden: Any, features: Any, config: config_lib.Model, units: int) -> Any:
    """The logits, from the hidden layers, plus a linear part of `features` if `wide`.

    Returns:
      [batch, units], or [batch, members, units] if `hidden` has members.
    """
    if len(hidden.shape) == 2:
        deep = layers.Dense(units, kernel_regularizer=_l2(config), name="deep")(hidden)
    else:
        deep = layers.EinsumDense(
            "bmh,mhu->bmu",
            (hidden.shape[1], units),
            bias_axes="mu",
            kernel_initializer=tf_keras.initializers.RandomNormal(stddev=hidden.shape[2] ** -0.5),
            kernel_regularizer=_l2(config),
            name="deep",
        )(hidden)
    if not config.wide:
        return deep
    wide = layers.Dense(units, use_bias=False, kernel_regularizer=_l2(config), name="wide")
    linear = wide(features)
    if len(hidden.shape) == 3:
        linear = layers.Reshape((1, units), name="wide_of_members")(linear)
    return layers.Add(name="logits")([deep, linear])


def prediction_model(
    network: tf_keras.Model,
    task: str,
    label_mean: float = 0.0,
    label_std: float = 1.0,
    temperature: float = 1.0,
) -> tf_keras.Model:
    """The model to export.

    Args:
      network: the trained network.
      task: binary, multiclass or regression.
      label_mean, label_std: how the label of a regression was standardised.
      temperature: by which logits of classes are divided; see `training.fit_temperature`.

    Returns:
      The network with last layers: [batch, classes] probabilities, or [batch, 1]
      predictions in the label's own unit; of an ensemble the mean of its members'.
    """
    logits = network.output
    if task != "regression" and temperature != 1.0:
        logits = layers.Rescaling(1.0 / temperature, name="calibrated")(logits)
    if task == "binary":
        positive = layers.Activation("sigmoid", name="positive")(logits)
        opposite = layers.Rescaling(-1.0, name="opposite")(logits)
        negative = layers.Activation("sigmoid", name="negative")(opposite)
        outputs = layers.Concatenate(name="probabilities")([negative, positive])
    elif task == "multiclass":
        outputs = layers.Softmax(name="probabilities")(logits)
    else:
        outputs = layers.Rescaling(label_std, label_mean, name="predictions")(logits)
    if len(outputs.shape) == 3:
        outputs = layers.GlobalAveragePooling1D(name="mean_of_members")(outputs)
    return tf_keras.Model(network.input, outputs, name="model")


def _l2(config: config_lib.Model) -> tf_keras.regularizers.Regularizer | None:
    return tf_keras.regularizers.L2(config.l2) if config.l2 else None
