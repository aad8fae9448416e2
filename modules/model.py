"""The network, from transformed columns to logits."""

from __future__ import annotations

import tf_keras

from tfx_pipeline.modeling import network
from tfx_pipeline.modeling.training import Setup


def build_model(setup: Setup) -> tf_keras.Model:
    """Builds the network: dense layers, beside a linear part.

    Args:
      setup: the features, Transform's output, and the section `model` of
        pipeline.yaml (hidden_units, ensemble, dropout, l2, wide …).

    Returns:
      A model with one input [batch, 1] for each transformed column, and the output
      [batch, units], or [batch, members, units] of an ensemble: one logit for two
      classes, one for each of several classes, one number for regression.
    """
    # Numbers scaled and embedded, ids as embeddings, side by side: [batch, n].
    inputs, features = network.encode_features(setup.table, setup.transform, setup.model)

    # An input for a column of your own, which preprocessing.py has made:
    #   inputs["expensive"] = tf_keras.Input((1,), name="expensive")
    #   features = tf_keras.layers.Concatenate()([features, inputs["expensive"]])

    # The dense layers: one for each number in `hidden_units`. Put other Keras layers
    # here to change the network, for example:
    #   hidden = tf_keras.layers.Dense(64, activation="gelu")(features)
    #   hidden = tf_keras.layers.LayerNormalization()(hidden)
    hidden = network.hidden_layers(features, setup.model)

    # The logits: a dense layer of `hidden`, plus a linear part of `features` if `wide`.
    units = setup.table.label.output_units(setup.transform)
    logits = network.output_layer(hidden, features, setup.model, units)

    # A Keras model that starts to train sooner. tf_keras.Model(inputs, logits) works too.
    return network.functional_model(inputs, logits)
