"""Queries of ML Metadata: a pipeline's runs, its nodes' executions and their artifacts.

Only `ml_metadata` is imported here, neither TensorFlow nor TFX, so that `runs` and
`show` are quick. The names of types and properties are TFX's.
"""

from __future__ import annotations

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

from tfx_pipeline.metadata import node_record
from tfx_pipeline.metadata.node_record import NodeRecord, Output

RUN_CONTEXT, NODE_CONTEXT, PIPELINE_CONTEXT = "pipeline_run", "node", "pipeline"


class History:
    """The runs of one pipeline in ML Metadata."""

    def __init__(self, store: ml_metadata.MetadataStore, pipeline: str) -> None:
        self.store = store
        self.pipeline = pipeline

    def run_ids(self) -> list[str]:
        """The ids of this pipeline's runs, oldest first."""
        try:
            parent = self.store.get_context_by_type_and_name(PIPELINE_CONTEXT, self.pipeline)
            runs = self.store.get_contexts_by_type(RUN_CONTEXT)
        except ml_metadata.errors.NotFoundError:
            return []
        if parent is None:
            return []
        mine = []
        for run in sorted(runs, key=lambda run: run.id):
            executions = self.store.get_executions_by_context(run.id)
            if executions and self._node_of(executions[0]) is not None:
                mine.append(run.name)
        return mine

    def has_run(self, run_id: str) -> bool:
        """Whether a run of this or another pipeline has that id."""
        return self._context(RUN_CONTEXT, run_id) is not None

    def executions(self, node: str, run_id: str | None = None) -> list[pb.Execution]:
        """The node's executions, oldest first; of one run when `run_id` is given."""
        context = self._context(NODE_CONTEXT, f"{self.pipeline}.{node}")
        if context is None:
            return []
        executions = self.store.get_executions_by_context(context.id)
        if run_id is not None:
            run = self._context(RUN_CONTEXT, run_id)
            if run is None:
                return []
            in_run = {e.id for e in self.store.get_executions_by_context(run.id)}
            executions = [e for e in executions if e.id in in_run]
        return sorted(executions, key=lambda e: e.id)

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
        run = self._context(RUN_CONTEXT, run_id)
        result: dict[str, NodeRecord] = {}
        if run is None:
            return result
        executions = self.store.get_executions_by_context(run.id)
        for execution in sorted(executions, key=lambda e: e.id):
            node = self._node_of(execution)
            if node is not None:
                result[node] = self._record(node, execution)
        return result

    def _node_of(self, execution: pb.Execution) -> str | None:
        """The node of this pipeline that an execution belongs to."""
        prefix = f"{self.pipeline}."
        for context in self.store.get_contexts_by_execution(execution.id):
            if context.name.startswith(prefix):
                return context.name[len(prefix) :]
        return None

    def _record(self, node: str, execution: pb.Execution) -> NodeRecord:
        return node_record.record(node, execution, self.outputs(execution.id))

    def outputs(self, execution_id: int) -> tuple[Output, ...]:
        """The artifacts that an execution produced or took from the cache."""
        events = [
            event
            for event in self.store.get_events_by_execution_ids([execution_id])
            if event.type in (pb.Event.OUTPUT, pb.Event.INTERNAL_OUTPUT)
        ]
        artifacts = {
            a.id: a for a in self.store.get_artifacts_by_id([e.artifact_id for e in events])
        }
        return tuple(
            node_record.output(event, artifacts[event.artifact_id])
            for event in events
            if event.artifact_id in artifacts
        )

    def inputs(self, execution_id: int) -> dict[str, list[int]]:
        """Artifact ids by input key."""
        result: dict[str, list[int]] = {}
        for event in self.store.get_events_by_execution_ids([execution_id]):
            if event.type == pb.Event.INPUT and event.path.steps:
                result.setdefault(event.path.steps[0].key, []).append(event.artifact_id)
        return {key: sorted(ids) for key, ids in result.items()}

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
