"""All features and the label: the configuration joined with the schema.

Preprocessing, network and signatures all use the `Table` made here. A treatment is a
class such as those in `numeric` and `categorical`. `tfx_pipeline.config.features` finds it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import pydantic

from tfx_pipeline.config import features as treatments
from tfx_pipeline.config import label as config_lib
from tfx_pipeline.config.columns import ColumnType
from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.modeling import columns, feature
from tfx_pipeline.modeling.feature import Feature
from tfx_pipeline.modeling.labels import Label


@dataclasses.dataclass(frozen=True)
class Table:
    """The features that a model reads, and the label that it predicts."""

    features: tuple[Feature, ...]
    label: Label

    @property
    def has_ordered(self) -> bool:
        """Whether a feature has numbers to embed."""
        return any(type(feature).ordered is not Feature.ordered for feature in self.features)


def load_table(custom_config: dict[str, Any], schema: str) -> Table:
    """Joins the configuration that a component was given with the schema.

    Args:
      custom_config: the sections `features`, `label` and `columns` of the configuration.
      schema: the schema as text.

    Raises:
      ConfigError: with every column that is not in the schema or does not fit its transformation.
    """
    parsed = columns.parse_schema(schema)
    sections = parse_section(dict[str, treatments.Feature], custom_config["features"])
    if not sections:
        raise ConfigError(_not_decided("*"))
    declared = parse_section(dict[str, ColumnType], custom_config.get("columns", {}))
    label = parse_section(config_lib.Label, custom_config["label"])
    indicators = _indicator_names(
        [name for name, section in sections.items() if section.indicator],
        [*sections, label.name, *filter(None, [label.weight])],
    )
    features: list[Feature] = []
    problems: list[Problem] = []
    for name, section in sections.items():
        try:
            if not isinstance(section, Feature):
                raise ConfigError(_not_decided(name))
            column = columns.column(
                parsed, name, f"features.{name}", declared.get(name), section.takes_lists
            )
            features.append(feature.create(column, section, indicators.get(name, "")))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    label_column = columns.column(parsed, label.name, "label.name")
    _check_label(label_column, label)
    weight = columns.column(parsed, label.weight, "label.weight") if label.weight else None
    if weight is not None and weight.dtype.name == "string":
        message = f"a weight is a number, but the schema says that {weight.name!r} is BYTES"
        raise ConfigError(Problem("label.weight", message))
    return Table(tuple(features), Label(label_column, label, weight))


def parse_section(type_: Any, values: Any) -> Any:
    """Restores a typed section of the configuration from its plain values."""
    return pydantic.TypeAdapter(type_).validate_python(values)


def _not_decided(name: str) -> Problem:
    return Problem(
        f"features.{name}",
        "has no transform, and nothing has decided it",
        "Name one, or give Transform the statistics: Transform(..., statistics=...)",
    )


def _indicator_names(names: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """A name for the indicator of each feature that has one, which no column has."""
    used = set(taken)
    found: dict[str, str] = {}
    for name in names:
        indicator = f"{name}_missing"
        while indicator in used:
            indicator += "_"
        used.add(indicator)
        found[name] = indicator
    return found


def _check_label(column: columns.Column, label: config_lib.Label) -> None:
    if label.task == "regression" and column.dtype.name == "string":
        raise ConfigError(
            Problem("label.task", f"regression, but the schema says that {column.name!r} is BYTES")
        )
    if label.task == "binary" and label.classes and len(label.classes) != 2:
        raise ConfigError(
            Problem("label.classes", f"a binary label has 2 classes, found {len(label.classes)}")
        )
