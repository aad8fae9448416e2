"""Loads a user's function by its dotted path."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from tfx_pipeline.errors import PipelineError, did_you_mean


class LoadError(PipelineError):
    """A dotted path that cannot be loaded.

    Attributes:
      reason: why.
      remedy: how to fix it; may be empty.
    """

    def __init__(self, dotted_path: str, reason: str, remedy: str = "") -> None:
        self.reason, self.remedy = reason, remedy
        super().__init__(f"{dotted_path}: {reason}. {remedy}".rstrip())


def load(dotted_path: str) -> Callable[..., Any]:
    """Imports `package.module.function`.

    Raises:
      LoadError: no such module or function, or the module cannot be imported.
        An exception inside the module is its cause.
    """
    module_name, _, name = dotted_path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise LoadError(
            dotted_path,
            f"module {module_name!r} cannot be imported: {type(error).__name__}: {error}",
            f"Try: python -c 'import {module_name}'",
        ) from error
    function: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(function):
        known = (key for key, value in vars(module).items() if callable(value))
        hint = did_you_mean(name, (key for key in known if not key.startswith("_")))
        raise LoadError(dotted_path, f"{module.__file__} has no function {name!r}", hint)
    return function
