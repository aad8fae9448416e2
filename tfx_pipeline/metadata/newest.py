"""The newest of what ML Metadata holds, read in pages: most callers need only the first."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TypeVar

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

_FIRST_PAGE, _PAGE_GROWTH = 8, 8
_Node = TypeVar("_Node", pb.Execution, pb.Artifact)


def newest_executions(
    store: ml_metadata.MetadataStore,
    context_id: int,
    order_by: ml_metadata.OrderByField = ml_metadata.OrderByField.ID,
) -> Iterator[pb.Execution]:
    """A context's executions, newest first."""
    read = functools.partial(store.get_executions_by_context, context_id)
    return _pages(read, order_by=order_by)


def newest_artifacts(
    store: ml_metadata.MetadataStore, context_id: int, type_name: str
) -> Iterator[pb.Artifact]:
    """A context's live artifacts of a type, newest first, read in pages.

    No filter query does it: ML Metadata has none since TFX 1.17.
    """
    for artifact in _pages(functools.partial(store.get_artifacts_by_context, context_id)):
        if artifact.type == type_name and artifact.state == pb.Artifact.LIVE:
            yield artifact


def newest_producer(
    store: ml_metadata.MetadataStore, artifact_id: int, context_id: int | None = None
) -> pb.Execution | None:
    """The newest execution with that output; in a context if one is given."""
    events = store.get_events_by_artifact_ids([artifact_id])
    made = {event.execution_id for event in events if event.type == pb.Event.OUTPUT}
    for execution_id in sorted(made, reverse=True):
        if context_id is None or any(
            context.id == context_id for context in store.get_contexts_by_execution(execution_id)
        ):
            return store.get_executions_by_id([execution_id])[0]
    return None


def _pages(
    read: Callable[..., list[_Node]],
    order_by: ml_metadata.OrderByField = ml_metadata.OrderByField.ID,
) -> Iterator[_Node]:
    seen, limit = 0, _FIRST_PAGE
    while True:
        page = read(
            list_options=ml_metadata.ListOptions(limit=limit, order_by=order_by, is_asc=False)
        )
        yield from page[seen:]
        if len(page) < limit:
            return
        seen, limit = len(page), limit * _PAGE_GROWTH
