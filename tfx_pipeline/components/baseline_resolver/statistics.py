"""BaselineStatistics: the data that the last blessed model was trained on, and its statistics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx import types
from tfx.dsl.components.common import resolver
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts

from tfx_pipeline.compat.resolver_nodes import replace_outputs
from tfx_pipeline.components.baseline_resolver import component as baseline
from tfx_pipeline.metadata.memberships import NODE_CONTEXT, RUN_CONTEXT
from tfx_pipeline.metadata.newest import newest_producer

_KINDS = {
    "statistics": standard_artifacts.ExampleStatistics,
    "examples": standard_artifacts.Examples,
}


class BaselineStatisticsStrategy(resolver.ResolverStrategy):
    """What the same nodes made in the run of the last blessed model."""

    def resolve_artifacts(
        self, store: ml_metadata.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Resolves `statistics`, and `examples` if there are any in this run.

        Each is empty if no model was blessed, or if its files are gone.

        Args:
          store: ML Metadata.
          input_dict: the artifacts of this run, by what they are.
        """
        executions: list[pb.Execution] = []
        pipeline = baseline.pipeline_of(store, [input_dict["statistics"][0].id])
        found = baseline.newest_blessed(store, pipeline, ()) if pipeline is not None else None
        trained = newest_producer(store, found[0].id, pipeline) if found is not None else None
        if trained is not None and (run := _context(store, trained, RUN_CONTEXT)) is not None:
            executions = store.get_executions_by_context(run.id)
        return {
            kind: _earlier(store, executions, candidate, str(_KINDS[kind].TYPE_NAME))
            for kind, (candidate,) in input_dict.items()
        }


def _earlier(
    store: ml_metadata.MetadataStore,
    executions: Iterable[pb.Execution],
    candidate: types.Artifact,
    type_name: str,
) -> list[types.Artifact]:
    """What the node that made the candidate has made in another run; at most one artifact."""
    made = newest_producer(store, candidate.id)
    node = _context(store, made, NODE_CONTEXT) if made is not None else None
    for execution in executions if node is not None else ():
        own = _context(store, execution, NODE_CONTEXT)
        if node is None or own is None or own.id != node.id:
            continue
        artifact = _output(store, execution, type_name)
        if artifact is not None and fileio.exists(artifact.uri):
            return [baseline.as_tfx_artifact(store, artifact)]
    return []


def _context(
    store: ml_metadata.MetadataStore, execution: pb.Execution, kind: str
) -> pb.Context | None:
    contexts = store.get_contexts_by_execution(execution.id)
    return next((context for context in contexts if context.type == kind), None)


def _output(
    store: ml_metadata.MetadataStore, execution: pb.Execution, type_name: str
) -> pb.Artifact | None:
    events = store.get_events_by_execution_ids([execution.id])
    ids = [event.artifact_id for event in events if event.type == pb.Event.OUTPUT]
    for artifact in store.get_artifacts_by_id(ids) if ids else ():
        if artifact.type == type_name and artifact.state == pb.Artifact.LIVE:
            return artifact
    return None


class BaselineStatistics(resolver.Resolver):
    """Resolves the data of the last blessed model.

    Args:
      statistics: those of this run.
      examples: likewise; None if they are not asked for.

    Outputs: `statistics`, and `examples` if they are asked for; each is empty if no model was
    blessed.
    """

    def __init__(self, statistics: types.BaseChannel, examples: types.BaseChannel | None = None):
        asked: dict[str, Any] = {"statistics": statistics}
        asked |= {"examples": examples} if examples else {}
        super().__init__(strategy_class=BaselineStatisticsStrategy, **asked)
        replace_outputs(self, {kind: _KINDS[kind] for kind in asked})

    @classmethod
    def get_class_type(cls) -> str:
        """TFX's Resolver: by this name the launcher recognises nodes without an executor."""
        return resolver.Resolver.get_class_type()
