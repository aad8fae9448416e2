"""Less of what Beam does for distant workers while its only worker is this process.

Without Beam arguments a pipeline runs in the process that builds it. Still Beam
pickles each stage several times, in Python and compressed, measures what it keeps in
case that memory runs short, and times each stage in a thread of its own. Here the
pickler is the one written in C, which Beam offers and takes by default in later
versions, and the rest is left out, as is that pickler's search of all modules for
those that the unpickling process has to import. Where the installed version looks
different, nothing is touched.
"""

from __future__ import annotations

import bz2
import contextlib
import inspect
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any
from unittest import mock

_SEARCH_PARAMETERS = ["code", "top_level_dependencies"]


def make_pipeline() -> Any:
    """Returns a pipeline as TFX makes it without Beam arguments, with the quicker pickler."""
    import apache_beam as beam
    from apache_beam.options import pipeline_options

    return beam.Pipeline(options=pipeline_options.PipelineOptions([], pickle_library="cloudpickle"))


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """Makes pipelines that are built and run inside, in this process, quicker."""
    from apache_beam.internal import pickler

    with contextlib.ExitStack() as stack:
        stack.callback(pickler.set_library)
        for target, name, replacement in replacements():
            stack.enter_context(mock.patch.object(target, name, replacement))
        yield


def replacements() -> Iterator[tuple[Any, str, Any]]:
    """What `quick` replaces: object, name of the attribute, and value meanwhile."""
    import cloudpickle
    from apache_beam.internal import cloudpickle_pickler, dill_pickler
    from apache_beam.runners.portability.fn_api_runner import worker_handlers
    from apache_beam.runners.worker import statesampler

    reducing = sys.modules[cloudpickle.CloudPickler.__module__]
    search = getattr(reducing, "_find_imported_submodules", None)
    if search is not None and [*inspect.signature(search).parameters] == _SEARCH_PARAMETERS:
        yield reducing, search.__name__, _no_submodules
    for module in (cloudpickle_pickler, dill_pickler):
        if getattr(module, "bz2", None) is bz2:
            yield module, "bz2", _UNCOMPRESSED
    if isinstance(getattr(worker_handlers, "STATE_CACHE_SIZE_MB", None), int):
        yield worker_handlers, "STATE_CACHE_SIZE_MB", 0  # which means: no cache
    sampler = statesampler.StateSampler
    if {"start", "stop", "stop_if_still_running"} <= vars(sampler).keys():
        yield sampler, "start", _start_without_timing
        yield sampler, "stop", _stop_without_timing


def _no_submodules(code: types.CodeType, top_level_dependencies: Any) -> list[types.ModuleType]:
    return []  # they are imported: here it is unpickled where it was pickled


def _unchanged(data: bytes, compresslevel: int = 9) -> bytes:
    return data


_UNCOMPRESSED = types.SimpleNamespace(compress=_unchanged, decompress=_unchanged)


def _start_without_timing(self: Any) -> None:
    from apache_beam.runners.worker import statesampler

    self.tracked_thread = threading.current_thread()
    statesampler.set_current_tracker(self)
    self.started = True


def _stop_without_timing(self: Any) -> None:
    from apache_beam.runners.worker import statesampler

    statesampler.set_current_tracker(None)
