"""Less of what Beam and Transform repeat while they build and start a pipeline.

Transform on a small table spends a third of its time asking the same questions
again: Beam `inspect.signature` of the same methods tens of thousands of times and
the options' parsers at each stage, dill its logger's level, which throws away the
caches of all loggers, twice for each pickled object. And Transform traces the user's
function to learn which columns it reads, and again to analyse it. Remembering the
answers changes no result. Where the installed versions look different, nothing is
touched.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

_TRACE_PARAMETERS = ["preprocessing_fn", "input_specs", "use_tf_compat_v1", "base_temp_dir"]


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """Makes pipelines that are built and run inside quicker to build and start."""
    with contextlib.ExitStack() as stack:
        for target, replacement in _replacements():
            stack.enter_context(mock.patch(target, replacement))
        yield


def _replacements() -> Iterator[tuple[str, Callable[..., Any]]]:
    from apache_beam.options import pipeline_options
    from apache_beam.transforms import core, userstate

    specs = getattr(userstate, "get_dofn_specs", None)
    if specs is not None and _parameters(specs) == ["dofn"]:
        yield "apache_beam.transforms.userstate.get_dofn_specs", remembering_classes(specs)
    arguments = getattr(core, "get_function_args_defaults", None)
    if arguments is not None and _parameters(arguments) == ["f"]:
        target = "apache_beam.transforms.core.get_function_args_defaults"
        yield target, remembering_methods(arguments)
    view_as = pipeline_options.PipelineOptions.view_as
    if _parameters(view_as) == ["self", "cls"]:
        target = "apache_beam.options.pipeline_options.PipelineOptions.view_as"
        yield target, remembering_views(view_as)
    with contextlib.suppress(ImportError):
        import dill

        trace = getattr(dill.dill if hasattr(dill, "dill") else None, "_trace", None)
        if trace is not None and _parameters(trace) == ["boolean"]:
            yield "dill.dill._trace", _unless_so_already(trace)
    with contextlib.suppress(ImportError):
        from tensorflow_transform import impl_helper

        trace = getattr(impl_helper, "trace_preprocessing_function", None)
        if trace is not None and _parameters(trace) == _TRACE_PARAMETERS:
            target = "tensorflow_transform.impl_helper.trace_preprocessing_function"
            yield target, remembering_traces(trace)


def _parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def remembering_classes(function: Callable[[Any], tuple[set, set]]) -> Callable[[Any], Any]:
    """Remembers what `function` says of a DoFn: by class, or by instance if it wraps a function."""
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
    """Remembers what `function` says of a bound method; that depends on the class only."""
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


def _unless_so_already(trace: Callable[[bool], None]) -> Callable[[bool], None]:
    logger = logging.getLogger("dill")

    def changing(boolean: bool) -> None:
        if logger.isEnabledFor(logging.INFO) != bool(boolean):
            trace(boolean)

    return changing


def remembering_traces(trace: Callable[..., Any]) -> Callable[..., Any]:
    """Remembers traces for inspection, which reads them; an analysis takes one of TF 1 away."""
    known: dict[Any, Any] = {}

    def remembered(
        preprocessing_fn: Callable[..., Any],
        input_specs: dict[str, Any],
        use_tf_compat_v1: bool,
        base_temp_dir: str | None = None,
    ) -> Any:
        described = tuple((name, repr(spec)) for name, spec in input_specs.items())
        key = preprocessing_fn, described, use_tf_compat_v1
        if key in known:
            if base_temp_dir is None:
                return known[key]
            if use_tf_compat_v1:  # TF 2 traces into the folder
                return known.pop(key)
        traced = trace(preprocessing_fn, input_specs, use_tf_compat_v1, base_temp_dir)
        if base_temp_dir is None:
            known[key] = traced
        return traced

    return remembered
