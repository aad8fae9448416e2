"""How each column is treated: the config's `features` joined with the schema.

Preprocessing, model and signatures all ask the `Feature` objects made here.
To add a treatment, write one class like those in `numeric` and `categorical`
and its section in `tfx_pipeline.config.models`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pydantic

from tfx_pipeline.config import models as config_lib
from tfx_pipeline.errors import ConfigError, Problem

# `categorical` and `numeric` are imported for the treatments they register.
from tfx_pipeline.modeling import categorical, columns, feature_base, numeric  # noqa: F401
from tfx_pipeline.modeling.feature_base import Feature
from tfx_pipeline.modeling.labels import Label


@dataclasses.dataclass(frozen=True)
class Table:
    """The columns a model reads, and the one it predicts."""

    features: tuple[Feature, ...]
    label: Label


def load_table(custom_config: dict[str, Any], schema: str) -> Table:
    """Joins the configuration that a component was given with the schema's text.

    Raises:
      ConfigError: with every column that is not in the schema or does not fit its treatment.
    """
    declared = columns.parse_schema(schema)
    configs = parse(dict[str, config_lib.Feature], custom_config["features"])
    label = parse(config_lib.Label, custom_config["label"])
    features, problems = [], []
    for name, config in configs.items():
        try:
            column = columns.column(declared, name, f"features.{name}")
            features.append(feature_base.make(column, config))
        except ConfigError as error:
            problems += error.problems
    problems += _clashes(features, label.name)
    if problems:
        raise ConfigError(problems)
    label_column = columns.column(declared, label.name, "label.name")
    _check_label(label_column, label)
    return Table(tuple(features), Label(label_column, label))


def parse(kind: Any, values: Any) -> Any:
    """Rebuilds typed config objects from what `Config.dump` made of them."""
    return pydantic.TypeAdapter(kind).validate_python(values)


def _clashes(features: list[Feature], label: str) -> list[Problem]:
    names = {feature.name for feature in features} | {label}
    return [
        Problem(
            f"features.{feature.name}.indicator",
            f"would be named {feature.indicator_name!r}, as another column",
        )
        for feature in features
        if feature.config.indicator and feature.indicator_name in names
    ]


def _check_label(column: columns.Column, label: config_lib.Label) -> None:
    if label.task == "regression" and column.dtype.name == "string":
        raise ConfigError(
            Problem("label.task", f"regression, but the schema says that {column.name!r} is BYTES")
        )
    if label.task == "binary" and label.classes and len(label.classes) != 2:
        raise ConfigError(
            Problem("label.classes", f"a binary label has 2 classes, found {len(label.classes)}")
        )
