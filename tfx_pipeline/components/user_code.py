"""Loads a user's function by its dotted path and says clearly when that fails."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from tfx_pipeline import errors


def load(dotted_path: str) -> Callable[..., Any]:
    """Imports `package.module.function`.

    Raises:
      NodeError: no such module or function, or the module cannot be imported.
        An exception inside the module is its cause.
    """
    module_name, _, name = dotted_path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise errors.NodeError(
            f"{dotted_path}: module {module_name!r} cannot be imported: {reason}. "
            f"Try: python -c 'import {module_name}'"
        ) from error
    function = getattr(module, name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if callable(value)]
        hint = errors.did_you_mean(name, (key for key in known if not key.startswith("_")))
        raise errors.NodeError(
            f"{dotted_path}: {module.__file__} has no function {name!r}. {hint}".rstrip()
        )
    return function
