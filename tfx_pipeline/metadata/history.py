"""Queries of ML Metadata: a pipeline's runs, its nodes' executions and their artifacts.

Only `ml_metadata` is imported here, neither TensorFlow nor TFX, so that `runs` and
`show` are quick. The names of types and properties are TFX's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

from tfx_pipeline.metadata import node_record
from tfx_pipeline.metadata.memberships import (
    NODE_CONTEXT,
    PIPELINE_CONTEXT,
    RUN_CONTEXT,
    Memberships,
)
from tfx_pipeline.metadata.newest import newest_executions
from tfx_pipeline.metadata.node_record import NodeRecord, Output

PUSHED_MODEL = "PushedModel"


class History:
    """The runs of one pipeline in ML Metadata."""

    def __init__(self, store: ml_metadata.MetadataStore, pipeline: str) -> None:
        self.store = store
        self.pipeline = pipeline
        self.memberships = Memberships(store)
        self._contexts_of: dict[int, list[tuple[str, str]]] = {}

    def run_ids(self) -> list[str]:
        """The ids of this pipeline's runs, oldest first."""
        return list(self.run_starts())

    def run_starts(self) -> dict[str, float]:
        """Of each run, oldest first, the Unix seconds when its first node was registered."""
        pipeline = self._context(PIPELINE_CONTEXT, self.pipeline)
        if pipeline is None:
            return {}
        below = self.store.get_children_contexts_by_context(pipeline.id)
        runs = [context for context in below if context.type == RUN_CONTEXT]
        return {
            run.name: run.create_time_since_epoch / 1000 for run in sorted(runs, key=lambda r: r.id)
        }

    def has_run(self, run_id: str) -> bool:
        """Whether a run of this or another pipeline has that id."""
        return self._context(RUN_CONTEXT, run_id) is not None

    def executions(self, node: str, run_id: str) -> list[pb.Execution]:
        """The node's executions in one run, oldest first."""
        run = self._context(RUN_CONTEXT, run_id)
        context = self._context(NODE_CONTEXT, f"{self.pipeline}.{node}")
        if run is None or context is None:
            return []
        return self.memberships.of_run(run.id, [context.id])

    def newest_executions(self, node: str) -> Iterator[pb.Execution]:
        """The node's executions in all runs, newest first."""
        context = self._context(NODE_CONTEXT, f"{self.pipeline}.{node}")
        return iter(()) if context is None else newest_executions(self.store, context.id)

    def _executions_of_run(self, run_id: str) -> list[pb.Execution]:
        run = self._context(RUN_CONTEXT, run_id)
        return [] if run is None else self.memberships.of_run(run.id)

    def _context(self, type_name: str, name: str) -> pb.Context | None:
        try:
            return self.store.get_context_by_type_and_name(type_name, name)
        except ml_metadata.errors.NotFoundError:
            return None

    def record(self, node: str, run_id: str) -> NodeRecord | None:
        """How `node` ended in `run_id`; None if it did not run."""
        executions = self.executions(node, run_id)
        return self._record(node, executions[-1]) if executions else None

    def records(self, run_id: str) -> dict[str, NodeRecord]:
        """All nodes that ran in `run_id`, in the order in which they started."""
        result: dict[str, NodeRecord] = {}
        executions = self._executions_of_run(run_id)
        outputs = self._outputs([execution.id for execution in executions])
        for execution in executions:
            node = self._node_of(execution)
            if node is not None:
                found = outputs.get(execution.id, ())
                result[node] = node_record.record(node, execution, found)
        return result

    def _node_of(self, execution: pb.Execution) -> str | None:
        """The node of this pipeline that an execution belongs to."""
        prefix = f"{self.pipeline}."
        names = [name for kind, name in self._contexts(execution.id) if kind == NODE_CONTEXT]
        mine = [name[len(prefix) :] for name in names if name.startswith(prefix)]
        return mine[0] if mine else None

    def _contexts(self, execution_id: int) -> list[tuple[str, str]]:
        """Type and name of the contexts that an execution has; they never change."""
        if execution_id not in self._contexts_of:
            found = self.store.get_contexts_by_execution(execution_id)
            self._contexts_of[execution_id] = [(c.type, c.name) for c in found]
        return self._contexts_of[execution_id]

    def _record(self, node: str, execution: pb.Execution) -> NodeRecord:
        return node_record.record(node, execution, self.outputs(execution.id))

    def outputs(self, execution_id: int) -> tuple[Output, ...]:
        """The artifacts that an execution produced or took from the cache."""
        return self._outputs([execution_id]).get(execution_id, ())

    def _outputs(self, execution_ids: Sequence[int]) -> dict[int, tuple[Output, ...]]:
        """The outputs of those executions that have any, in two requests."""
        kinds = (pb.Event.OUTPUT, pb.Event.INTERNAL_OUTPUT)
        events = [event for event in self._events(execution_ids) if event.type in kinds]
        wanted = list(dict.fromkeys(event.artifact_id for event in events))
        artifacts = {a.id: a for a in self.store.get_artifacts_by_id(wanted)} if wanted else {}
        result: dict[int, tuple[Output, ...]] = {}
        for event in events:
            if event.artifact_id in artifacts:
                output = node_record.output(event, artifacts[event.artifact_id])
                result[event.execution_id] = (*result.get(event.execution_id, ()), output)
        return result

    def _events(self, execution_ids: Sequence[int]) -> Sequence[pb.Event]:
        return self.store.get_events_by_execution_ids(execution_ids) if execution_ids else []

    def pushes(self, wanted: Callable[[pb.Artifact], bool] = lambda _: True) -> list[pb.Artifact]:
        """Models that this pipeline has pushed, oldest first.

        Args:
          wanted: selects some of them, before ML Metadata is asked which pipeline pushed them.
        """
        try:
            found = self.store.get_artifacts_by_type(PUSHED_MODEL)
        except ml_metadata.errors.NotFoundError:
            return []
        chosen = [artifact for artifact in found if wanted(artifact)]
        mine = {
            artifact_id
            for artifact_id, contexts in self._origins(a.id for a in chosen).items()
            if contexts.get(PIPELINE_CONTEXT) == self.pipeline
        }
        return sorted((a for a in chosen if a.id in mine), key=lambda artifact: artifact.id)

    def runs_of_outputs(self, artifact_ids: Iterable[int]) -> dict[int, str]:
        """For each artifact, the run that made it; later ones may have it from the cache."""
        origins = self._origins(artifact_ids)
        return {artifact_id: contexts[RUN_CONTEXT] for artifact_id, contexts in origins.items()}

    def _origins(self, artifact_ids: Iterable[int]) -> dict[int, dict[str, str]]:
        """For each artifact, the contexts of the execution that made it: names by type."""
        producers: dict[int, int] = {}
        ids = list(artifact_ids)
        events = self.store.get_events_by_artifact_ids(ids) if ids else []
        for event in sorted(events, key=lambda event: event.execution_id):
            if event.type == pb.Event.OUTPUT:
                producers.setdefault(event.artifact_id, event.execution_id)
        return {
            artifact_id: dict(self._contexts(execution))
            for artifact_id, execution in producers.items()
        }

    def inputs(self, execution_id: int) -> dict[str, list[int]]:
        """Artifact ids by input key."""
        return self.inputs_of([execution_id])[execution_id]

    def inputs_of(self, execution_ids: Iterable[int]) -> dict[int, dict[str, list[int]]]:
        """For each execution, artifact ids by input key; in one request."""
        result: dict[int, dict[str, list[int]]] = {i: {} for i in execution_ids}
        for event in self._events(list(result)):
            if event.type == pb.Event.INPUT and event.path.steps:
                ids = result[event.execution_id].setdefault(event.path.steps[0].key, [])
                ids.append(event.artifact_id)
        return {i: {k: sorted(ids) for k, ids in keys.items()} for i, keys in result.items()}

    def execution_properties(
        self, execution_ids: Iterable[int]
    ) -> dict[int, dict[str, str | int | float]]:
        """What each execution was called with: plain values by name."""
        ids = list(execution_ids)
        found = self.store.get_executions_by_id(ids) if ids else []
        return {execution.id: node_record.properties(execution) for execution in found}

    def reopen(self, node: str, run_id: str) -> None:
        """Marks a failed node as RUNNING before a retry; TFX would leave it FAILED."""
        for execution in self.executions(node, run_id):
            if execution.last_known_state in (pb.Execution.FAILED, pb.Execution.CANCELED):
                execution.last_known_state = pb.Execution.RUNNING
                self.store.put_executions([execution])

    def cancel(self, node: str, run_id: str) -> None:
        """Marks an interrupted execution as CANCELED; one that has ended is not changed."""
        for execution in self.executions(node, run_id):
            if execution.last_known_state in (pb.Execution.RUNNING, pb.Execution.NEW):
                execution.last_known_state = pb.Execution.CANCELED
                self.store.put_executions([execution])
