"""From raw columns to what the network reads: the default `preprocessing_fn`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfx_pipeline.modeling.batch_cache import CachedBatch
from tfx_pipeline.modeling.column_statistics import StatisticsRequest, compute_statistics
from tfx_pipeline.modeling.feature_table import Table, load_table


def preprocessing_fn(
    inputs: Mapping[str, Any], custom_config: dict[str, Any]
) -> dict[str, tf.Tensor]:
    """Transforms the features and the label as the configuration says.

    Args:
      inputs: raw columns, dense, sparse or ragged as the schema says.
      custom_config: the sections `features` and `label` of the configuration,
        and the schema's text as `schema`.

    Returns:
      Tensors of shape [batch, 1]: float32 numbers and int64 ids.

    Raises:
      ConfigError: a column is not in the schema, or its transformation does not fit it.
    """
    return transform_columns(inputs, load_table(custom_config, custom_config["schema"]))


def transform_columns(inputs: Mapping[str, Any], table: Table) -> dict[str, tf.Tensor]:
    """Transforms all features of the table, and its label.

    Args:
      inputs: raw columns, dense, sparse or ragged.
      table: the features and the label.

    Returns:
      Tensors of shape [batch, 1]: float32 numbers and int64 ids.
    """
    batch = CachedBatch.wrap(inputs)
    requests: dict[str, StatisticsRequest] = {}
    for feature in table.features:
        with feature.named_in_errors("statistics"):
            requests.update(feature.statistics(batch))
    statistics = compute_statistics(requests)
    outputs = table.label.preprocess(batch)
    for feature in table.features:
        with feature.named_in_errors("preprocess"):
            outputs.update(feature.preprocess(batch, statistics))
    return outputs
