"""From raw columns to what the network reads: the default `preprocessing_fn`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import tensorflow as tf

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.modeling.batch_cache import CachedBatch
from tfx_pipeline.modeling.column_statistics import (
    ColumnStatistics,
    StatisticsRequest,
    compute_statistics,
)
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
    requests: dict[tuple[str, str], StatisticsRequest] = {}
    for feature in table.features:
        with feature.named_in_errors("statistics"):
            requested = feature.statistics(batch)
            requests.update({(feature.name, key): value for key, value in requested.items()})
    statistics: dict[str, dict[str, ColumnStatistics]] = {f.name: {} for f in table.features}
    for (name, key), found in compute_statistics(requests).items():
        statistics[name][key] = found
    outputs = table.label.preprocess(batch)
    for feature in table.features:
        with feature.named_in_errors("preprocess"):
            made = feature.preprocess(batch, statistics[feature.name])
        _refuse_names_taken(feature.name, outputs, made)
        outputs.update(made)
    return outputs


def _refuse_names_taken(column: str, outputs: Collection[str], made: Iterable[str]) -> None:
    """Refuses a tensor that would replace the one of another column."""
    problems = [
        Problem(
            f"features.{column}",
            f"its treatment makes a tensor {name!r}, which is the name of another one",
            "Choose another name in the treatment's preprocess and model_inputs",
        )
        for name in made
        if name in outputs
    ]
    if problems:
        raise ConfigError(problems)
