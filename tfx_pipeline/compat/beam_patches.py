"""Less of what Beam repeats while it builds and starts a pipeline.

Building a small pipeline takes a third of its time for the same questions asked again:
`inspect.signature` of the same methods tens of thousands of times, the options' parsers
at each stage, the level of dill's logger, whose change throws away the caches of all
loggers, twice for each pickled object. Remembering the answers changes no result.
"""

from __future__ import annotations

import logging
import sys
import types
import weakref
from collections.abc import Callable
from typing import Any


def remembering_classes(function: Callable[[Any], tuple[set, set]]) -> Callable[[Any], Any]:
    """Remembers what `function` returns for a DoFn: by class, or by instance if it wraps one."""
    known: weakref.WeakKeyDictionary[Any, tuple[set, set]] = weakref.WeakKeyDictionary()

    def remembered(dofn: Any) -> tuple[set, set]:
        cls = type(dofn)
        # It answers for its function (_inspect_process), which stays the same.
        if cls.__name__ == "CallableWrapperDoFn":
            subject = dofn
        elif hasattr(cls, "_inspect_process") or _has_own_methods(dofn):
            return function(dofn)
        else:
            subject = cls
        if subject not in known:
            known[subject] = function(dofn)
        states, timers = known[subject]
        return set(states), set(timers)

    return remembered


def _has_own_methods(instance: Any) -> bool:
    return any(isinstance(value, types.MethodType) for value in vars(instance).values())


def remembering_methods(function: Callable[[Any], tuple[list, list]]) -> Callable[[Any], Any]:
    """Remembers what `function` returns for a bound method; that depends on the class only."""
    known: weakref.WeakKeyDictionary[Any, tuple[list, list]] = weakref.WeakKeyDictionary()

    def remembered(f: Any) -> tuple[list, list]:
        if not isinstance(f, types.MethodType) or not isinstance(f.__func__, types.FunctionType):
            return function(f)
        if f.__func__ not in known:
            known[f.__func__] = function(f)
        names, defaults = known[f.__func__]
        return list(names), list(defaults)

    return remembered


def remembering_views(view_as: Callable[[Any, type], Any]) -> Callable[[Any, type], Any]:
    """Remembers the views of options: they are parsed anew, and all share their values."""
    known: weakref.WeakKeyDictionary[Any, dict[type, Any]] = weakref.WeakKeyDictionary()

    def remembered(self: Any, cls: type) -> Any:
        views = known.setdefault(self, {})
        if cls not in views:
            views[cls] = view_as(self, cls)
        return views[cls]

    return remembered


def changing_the_level_only(trace: Callable[[bool], None]) -> Callable[[bool], None]:
    """Sets dill's logger's level only where it is another one."""
    logger = logging.getLogger("dill")

    def changing(boolean: bool) -> None:
        if logger.isEnabledFor(logging.INFO) != bool(boolean):
            trace(boolean)

    return changing


def importing_no_shell(is_in_ipython: Callable[[], bool]) -> Callable[[], bool]:
    """Asks IPython for its shell only where the module that makes one has been imported."""

    def asking() -> bool:
        return "IPython.core.interactiveshell" in sys.modules and is_in_ipython()

    return asking
