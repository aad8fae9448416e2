"""Applies `--set KEY=VALUE` to the plain data of a configuration."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from tfx_pipeline.config import yaml_reader
from tfx_pipeline.errors import Problem, did_you_mean


def apply_overrides(
    values: dict[Any, Any], overrides: Iterable[str]
) -> tuple[dict[Any, Any], list[Problem]]:
    """Returns a copy of `values` with the overrides applied, and the problems of the overrides.

    Unknown keys are set like others: validation finds them, as it does in the file.
    """
    result = copy.deepcopy(values)
    found = [_set(result, text) for text in overrides]
    return result, [problem for problem in found if problem is not None]


def override_locations(overrides: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The keys that overrides name."""
    return tuple(tuple(text.partition("=")[0].strip().split(".")) for text in overrides)


def _set(values: dict[Any, Any], text: str) -> Problem | None:
    key, equals, raw = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        remedy = "For example --set training.steps=50"
        return Problem("--set", f"must be KEY=VALUE with a dotted KEY, found {text!r}", remedy)
    try:
        value = yaml_reader.parse_value(raw)
    except ValueError as error:
        return Problem(f"--set {key}", f"{raw!r} {error}", "Put quotes around text")
    return _unknown_column(values, parts) or _put(values, parts, value)


def _unknown_column(values: dict[Any, Any], parts: list[str]) -> Problem | None:
    """Refuses to set one key of an absent feature: the column's name is probably misspelt."""
    columns = values.get("features")
    if parts[0] != "features" or len(parts) < 3 or not isinstance(columns, dict):
        return None
    column = parts[1]
    if column in columns:
        return None
    hint = did_you_mean(column, columns)
    remedy = f"{hint} To add it: --set 'features.{column}={{transform: …}}'".strip()
    return Problem(f"--set {'.'.join(parts)}", f"there is no feature {column!r}", remedy)


def _put(values: dict[Any, Any], parts: list[str], value: Any) -> Problem | None:
    holder = values
    for depth, part in enumerate(parts[:-1], 1):
        if holder.get(part) is None:
            holder[part] = {}
        holder = holder[part]
        if not isinstance(holder, dict):
            above = ".".join(parts[:depth])
            message = f"{above} is not a mapping, found {holder!r}"
            return Problem(
                f"--set {'.'.join(parts)}", message, f"Set the key itself: {above}=VALUE"
            )
    holder[parts[-1]] = value
    return None
