"""Values of a Tuner in the sections `model` and `training`, and back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pydantic

from tfx_pipeline.config.training import RUNTIME_PARAMETERS, Model, NumericEmbedding, Training
from tfx_pipeline.config.tuning import PARAMETERS, Value
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.modeling.recipe import HIDDEN_UNITS

_log = logging.getLogger(__name__)


def applied(model: Model, training: Training, values: Mapping[str, Any]) -> tuple[Model, Training]:
    """The sections with the tuned values.

    Args:
      model, training: the sections. `steps`, `batch_size` and `learning_rate` stay if they are
        set.
      values: by the names of `config.tuning.PARAMETERS`; others are the `run_fn`'s own.

    Raises:
      ConfigError: a parameter cannot have its value.
    """
    sections = {"model": model.model_dump(), "training": training.model_dump()}
    known = {name: value for name, value in values.items() if name in PARAMETERS}
    for name, value in known.items():
        if name in RUNTIME_PARAMETERS and sections["training"][name] is not None:
            _log.info("%s is %s, not the Tuner's %s", name, sections["training"][name], value)
        elif path := PARAMETERS[name].path:
            _set(sections, path, value)
    units = model.hidden_units or HIDDEN_UNITS
    width, depth = known.get("width", units[0]), known.get("depth", len(units))
    try:
        if not {"width", "depth"}.isdisjoint(known):
            sections["model"]["hidden_units"] = _layers(units, width, depth)
        return Model(**sections["model"]), Training(**sections["training"])
    except (pydantic.ValidationError, TypeError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in known.items())
        raise ConfigError(f"model and training cannot have the Tuner's values {given}") from error


def _layers(units: tuple[int, ...], width: int, depth: int) -> list[int]:
    """Layers with the proportions of `units`; more layers than those are like the last one."""
    shape = [*units, *[units[-1]] * (depth - len(units))][:depth]
    return [width, *(max(1, round(width * layer / shape[0])) for layer in shape[1:])]


def _set(sections: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *folders, key = path
    for folder in folders:
        if sections[folder] is None:
            sections[folder] = NumericEmbedding().model_dump()
        sections = sections[folder]
    sections[key] = value


def values_of(model: Model, training: Training) -> dict[str, Value]:
    """The values of all parameters in complete sections; without those that do not apply."""
    sections = {"model": model.model_dump(), "training": training.model_dump()}
    found: dict[str, Value] = {}
    for name, parameter in PARAMETERS.items():
        value: Any = sections
        for key in parameter.path:
            value = (value or {}).get(key)
        if parameter.path and value is not None:
            found[name] = value
    if model.hidden_units:
        found |= {"width": model.hidden_units[0], "depth": len(model.hidden_units)}
    return found
