"""Which executions of a run belong to a node or a pipeline.

ML Metadata has no index by which it finds the contexts of an execution: each question takes
the longer, the more runs the database holds. So few questions are asked, and only once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

from tfx_pipeline.metadata.newest import newest_executions

RUN_CONTEXT, NODE_CONTEXT, PIPELINE_CONTEXT = "pipeline_run", "node", "pipeline"
"""The types of TFX's contexts."""

_AT_MOST = 72
"""So many of a context's executions are read; those of an older run are asked for one by one."""


class Memberships:
    """Executions by context. What was found is remembered: it does not change."""

    def __init__(self, store: ml_metadata.MetadataStore) -> None:
        self._store = store
        self._known: dict[int, dict[int, bool]] = {}  # by context and execution
        self._pipelines: dict[int, int | None] = {}  # by run

    def of_run(self, run_id: int, context_ids: Iterable[int] = ()) -> list[pb.Execution]:
        """The executions of a run that belong to all the other contexts, oldest first.

        Args:
          run_id: the id of the run's context.
          context_ids: nodes, pipelines, other runs.
        """
        found = sorted(self._store.get_executions_by_context(run_id), key=lambda e: e.id)
        for context_id in context_ids:
            if context_id not in (run_id, self._pipeline(run_id)):
                found = self._members(found, context_id)
        return found

    def _pipeline(self, run_id: int) -> int | None:
        """The pipeline that all executions of a run belong to; None if there may be several."""
        if run_id not in self._pipelines:
            parents = self._store.get_parent_contexts_by_context(run_id)
            only = parents[0] if len(parents) == 1 else None
            is_pipeline = only is not None and only.type == PIPELINE_CONTEXT
            self._pipelines[run_id] = only.id if only is not None and is_pipeline else None
        return self._pipelines[run_id]

    def _members(self, executions: list[pb.Execution], context_id: int) -> list[pb.Execution]:
        known = self._known.setdefault(context_id, {})
        unknown = {execution.id for execution in executions} - known.keys()
        if unknown:
            known.update(self._ask(unknown, context_id))
        return [execution for execution in executions if known[execution.id]]

    def _ask(self, ids: set[int], context_id: int) -> dict[int, bool]:
        """Whether each execution belongs to the context."""
        oldest, found = min(ids), set[int]()
        for execution in itertools.islice(newest_executions(self._store, context_id), _AT_MOST):
            if execution.id < oldest:
                break
            found.add(execution.id)
        answers = {execution_id: execution_id in found for execution_id in ids}
        if len(found) == _AT_MOST:
            for execution_id in ids - found:
                contexts = self._store.get_contexts_by_execution(execution_id)
                answers[execution_id] = any(context.id == context_id for context in contexts)
        return answers
