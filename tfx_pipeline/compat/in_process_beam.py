"""Less of what Beam does for distant workers while its only worker is this process.

Without Beam arguments a pipeline runs in the process that builds it. Still Beam
compresses each pickled stage, and times each stage in a thread of its own.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tfx_pipeline.compat.patch import applied
from tfx_pipeline.compat.table import BUILDING, IN_PROCESS


@contextlib.contextmanager
def beam_pipeline(arguments: Sequence[Any], make: Callable[[], Any]) -> Iterator[Any]:
    """Gives the pipeline of one of this project's executors; it runs at the end.

    The patches are applied from the beginning to the end, and not around an executor of
    another project.

    Args:
      arguments: the executor's Beam arguments. Without them the pipeline runs in this process.
      make: makes TFX's pipeline for these arguments.
    """
    if arguments:  # another runner, or workers in other processes
        with applied(BUILDING), make() as pipeline:
            yield pipeline
    else:
        with patched(), make_pipeline() as pipeline:
            yield pipeline


def make_pipeline() -> Any:
    """Returns a pipeline as TFX makes it without Beam arguments, with the pickler written in C.

    Later versions of Beam use that one by default.
    """
    import apache_beam as beam
    from apache_beam.options import pipeline_options

    return beam.Pipeline(options=pipeline_options.PipelineOptions([], pickle_library="cloudpickle"))


@contextlib.contextmanager
def patched() -> Iterator[None]:
    """For a pipeline of `make_pipeline`, built and run inside; afterwards all is as before."""
    from apache_beam.internal import pickler

    with applied(BUILDING), applied(IN_PROCESS):
        try:
            yield
        finally:
            pickler.set_library()  # Beam keeps a pipeline's pickler as that of the process


def _unchanged(data: bytes, compresslevel: int = 9) -> bytes:
    return data


_UNCOMPRESSED = types.SimpleNamespace(compress=_unchanged, decompress=_unchanged)


def without_compression(bz2: types.ModuleType) -> types.SimpleNamespace:
    """A module like bz2 that leaves data as it is."""
    return _UNCOMPRESSED


def without_submodules(search: Callable[..., Any]) -> Callable[..., list[types.ModuleType]]:
    """Finds no submodules: they are imported where a function is pickled and unpickled."""
    return lambda code, top_level_dependencies: []


def remembering_modules(exclude: Callable[[Any], None]) -> Callable[[Any], None]:
    """Lists the namespaces of all modules again only when a module has been added."""
    known: set[int] = set()
    counted = 0

    def remembered(context: Any) -> None:
        nonlocal counted, known
        settings = context.settings
        if settings.exclude is not None or not settings.exclude_modules_globals:
            exclude(context)
        elif counted == len(sys.modules):
            context.exclude_set |= known
        else:
            exclude(context)
            counted, known = len(sys.modules), context.exclude_set.copy()

    return remembered


def without_thread(sampler: type) -> type:
    """A sampler of stages that starts no thread to look at them."""
    from apache_beam.runners.worker import statesampler

    def start(self: Any) -> None:
        self.tracked_thread = threading.current_thread()
        statesampler.set_current_tracker(self)
        self.started = True

    def stop(self: Any) -> None:
        statesampler.set_current_tracker(None)

    return type("StateSampler", (sampler,), {"start": start, "stop": stop})
