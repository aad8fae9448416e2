"""The network: numbers and embeddings into dense layers, beside a linear part.

The network that is trained ends in logits. The model that is exported ends in
probabilities or, for regression, in the label's own unit.
"""

from __future__ import annotations

from typing import Any

import tensorflow_transform as tft
import tf_keras

# Exported again for `modules/`: it makes the models that `build_model` returns.
from tfx_pipeline.compat.graph_training import functional_model as functional_model
from tfx_pipeline.config import models as config_lib
from tfx_pipeline.modeling.feature_table import Table
from tfx_pipeline.modeling.training import Setup

layers = tf_keras.layers


def build_model(setup: Setup) -> tf_keras.Model:
    """The default network, from transformed features to logits.

    Returns:
      A model with a dict of inputs [batch, 1] and the output [batch, units]: one
      logit for two classes, one for each of several classes, one standardised
      number for regression.
    """
    inputs, features = encode_features(setup.table, setup.transform)
    hidden = hidden_layers(features, setup.model)
    units = setup.table.label.output_units(setup.transform)
    return functional_model(inputs, output_layer(hidden, features, setup.model, units))


def encode_features(table: Table, transform: tft.TFTransformOutput) -> tuple[dict[str, Any], Any]:
    """The network's inputs by name, and all of them encoded side by side as [batch, n]."""
    inputs: dict[str, Any] = {}
    encoded: list[Any] = []
    for feature in table.features:
        with feature.named_in_errors("model_inputs"):
            feature_inputs = feature.model_inputs()
        inputs.update(feature_inputs)
        with feature.named_in_errors("encode"):
            encoded += feature.encode(feature_inputs, transform)
    if len(encoded) == 1:
        return inputs, encoded[0]
    return inputs, layers.Concatenate(name="features")(encoded)


def hidden_layers(features: Any, config: config_lib.Model) -> Any:
    """Dense layers of the widths in `hidden_units`: [batch, n] -> [batch, last width]."""
    hidden = features
    for width in config.hidden_units:
        hidden = layers.Dense(width, activation="relu", kernel_regularizer=_l2(config))(hidden)
        if config.dropout:
            hidden = layers.Dropout(config.dropout)(hidden)
    return hidden


def output_layer(hidden: Any, features: Any, config: config_lib.Model, units: int) -> Any:
    """[batch, units] from the hidden layers, plus a linear part of `features` if `wide`."""
    deep = layers.Dense(units, kernel_regularizer=_l2(config), name="deep")(hidden)
    if not config.wide:
        return deep
    wide = layers.Dense(units, use_bias=False, kernel_regularizer=_l2(config), name="wide")
    return layers.Add(name="logits")([deep, wide(features)])


def _l2(config: config_lib.Model) -> tf_keras.regularizers.Regularizer | None:
    return tf_keras.regularizers.L2(config.l2) if config.l2 else None


def prediction_model(
    network: tf_keras.Model, task: str, label_mean: float = 0.0, label_std: float = 1.0
) -> tf_keras.Model:
    """The model to export.

    Args:
      network: the trained network.
      task: binary, multiclass or regression.
      label_mean, label_std: how the label of a regression was standardised.

    Returns:
      The network with a last layer: [batch, classes] probabilities, or [batch, 1]
      predictions in the label's own unit.
    """
    logits = network.output
    if task == "binary":
        positive = layers.Activation("sigmoid", name="positive")(logits)
        opposite = layers.Rescaling(-1.0, name="opposite")(logits)
        negative = layers.Activation("sigmoid", name="negative")(opposite)
        outputs = layers.Concatenate(name="probabilities")([negative, positive])
    elif task == "multiclass":
        outputs = layers.Softmax(name="probabilities")(logits)
    else:
        outputs = layers.Rescaling(label_std, label_mean, name="predictions")(logits)
    return tf_keras.Model(network.input, outputs, name="model")
