"""Loads a user's functions and classes by dotted path, and calls them.

Whatever their code raises becomes one sentence with the file and the line. The original
error stays its cause, for logs.
"""

from __future__ import annotations

import importlib
import inspect
import pathlib
import traceback
from collections.abc import Callable
from typing import Any

from tfx_pipeline.errors import NodeError, PipelineError, did_you_mean
from tfx_pipeline.user_code import installed


class LoadError(NodeError):
    """A dotted path that cannot be loaded or called.

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
    except (Exception, SystemExit) as error:
        raise LoadError(
            dotted_path,
            f"module {module_name!r} cannot be imported: {describe(error)}",
            f"Try: python -c 'import {module_name}'",
        ) from error
    function: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(function):
        known = (key for key, value in vars(module).items() if callable(value))
        hint = did_you_mean(name, (key for key in known if not key.startswith("_")))
        place = getattr(module, "__file__", None) or f"the folder {module_name!r}"
        raise LoadError(dotted_path, f"{place} has no function or class {name!r}", hint)
    return function


def call(dotted_path: str, *arguments: Any) -> Any:
    """Imports a function and calls it, without the arguments if it takes none.

    Raises:
      LoadError: it cannot be loaded, or raises an error.
      PipelineError: what it raises, if that is an error for the user already.
    """
    function = load(dotted_path)
    try:
        takes_any = bool(inspect.signature(function).parameters)
        return function(*arguments) if takes_any else function()
    except PipelineError:
        raise
    except (Exception, SystemExit) as error:
        raise LoadError(dotted_path, f"raised {describe(error)}") from error


def describe(error: BaseException) -> str:
    """An exception of a user's code in one line: its type, text, file and line."""
    text = " ".join(str(error).split())
    if isinstance(error, SyntaxError):
        text, place = str(error.msg), f"{error.filename}, line {error.lineno}"
    else:
        place = _place(error)
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"{message} ({place})" if place else message


def _place(error: BaseException) -> str:
    """The last file and line of code that is neither this library's nor installed."""
    frames = traceback.extract_tb(error.__traceback__)
    library = pathlib.Path(__file__).parents[1]
    own = [frame for frame in frames if _is_users(pathlib.Path(frame.filename), library)]
    return f"{own[-1].filename}, line {own[-1].lineno}" if own else ""


def _is_users(file: pathlib.Path, library: pathlib.Path) -> bool:
    if file.is_relative_to(library) or not file.is_absolute():
        return False
    if not installed.is_installed(file):
        return True
    folders = [index for index, part in enumerate(file.parts) if part.endswith("-packages")]
    below = file.parts[folders[-1] + 1 :] if folders else ()
    return bool(below) and not installed.is_brought(below[0].removesuffix(".py"))
