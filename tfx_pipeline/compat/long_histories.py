"""TFX's queries of ML Metadata, without reading the executions of all earlier runs.

They give what TFX's own queries give.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

from tfx_pipeline.metadata.memberships import RUN_CONTEXT, Memberships
from tfx_pipeline.metadata.newest import newest_executions

Find = Callable[..., Any]


_known: contextvars.ContextVar[Memberships] = contextvars.ContextVar("known")


@contextlib.contextmanager
def knowing(memberships: Memberships) -> Iterator[None]:
    """Within it, the queries use and extend what is known of the same database."""
    token = _known.set(memberships)
    try:
        yield
    finally:
        _known.reset(token)


def reading_this_run(present: Find) -> Find:
    """For `_get_executions_by_all_contexts`."""

    def find(store: ml_metadata.MetadataStore, contexts: Iterable[pb.Context]) -> Any:
        contexts = list(contexts)
        found = _in_all(store, contexts)
        return present(store, contexts) if found is None else found

    return find


def reading_this_run_by_handle(present: Find) -> Find:
    """For `get_executions_associated_with_all_contexts`."""

    def find(metadata_handle: Any, contexts: Iterable[pb.Context]) -> Any:
        contexts = list(contexts)
        found = _in_all(metadata_handle.store, contexts)
        return present(metadata_handle, contexts) if found is None else found

    return find


def _in_all(
    store: ml_metadata.MetadataStore, contexts: list[pb.Context]
) -> list[pb.Execution] | None:
    """The executions that belong to all contexts; None if no context is a run."""
    run = _run(store, contexts)
    if run is None:
        return None
    memberships = _known.get(None) or Memberships(store)
    return memberships.of_run(run.id, [context.id for context in contexts])


def _run(store: ml_metadata.MetadataStore, contexts: list[pb.Context]) -> pb.Context | None:
    try:
        run_type = store.get_context_type(RUN_CONTEXT).id
    except ml_metadata.errors.NotFoundError:
        return None
    # By id: a context that TFX has just written has no type name.
    return next((context for context in contexts if context.type_id == run_type), None)


def reading_the_newest(_: Find) -> Find:
    """For `get_cached_outputs`."""
    from tfx.orchestration.portable import cache_utils
    from tfx.orchestration.portable.mlmd import execution_lib
    from tfx.types import artifact_utils

    def find(metadata_handle: Any, cache_context: pb.Context) -> Any:
        by_time = ml_metadata.OrderByField.CREATE_TIME  # as TFX sorts them
        for execution in newest_executions(metadata_handle.store, cache_context.id, by_time):
            if not execution_lib.is_execution_successful(execution):
                continue
            outputs = cache_utils._get_outputs_of_execution(metadata_handle, execution.id)
            if outputs is None:
                continue
            try:
                artifact_utils.verify_artifacts(outputs)
            except RuntimeError:  # an artifact's files are gone
                continue
            return outputs
        return None

    return find
