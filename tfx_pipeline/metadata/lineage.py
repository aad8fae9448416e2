"""One artifact: what it was made from and what was made with it, over all runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from ml_metadata.proto import metadata_store_pb2 as pb

from tfx_pipeline import errors
from tfx_pipeline.metadata import node_record
from tfx_pipeline.metadata.history import History
from tfx_pipeline.metadata.memberships import NODE_CONTEXT, PIPELINE_CONTEXT, RUN_CONTEXT

_MOST = 200
"""Artifacts in one direction; a much used one has thousands below it."""
_OUTPUTS = (pb.Event.OUTPUT, pb.Event.INTERNAL_OUTPUT)


@dataclasses.dataclass(frozen=True)
class Use:
    """An execution of a node that read or made an artifact."""

    pipeline: str
    node: str
    run_id: str
    state: str


@dataclasses.dataclass(frozen=True)
class Related:
    """An artifact in the lineage: `steps` executions away, reached by `by`."""

    id: int
    type: str
    uri: str
    steps: int
    by: Use


@dataclasses.dataclass(frozen=True)
class Lineage:
    """One artifact with its surroundings. `more` says in which directions there is more."""

    id: int
    type: str
    uri: str
    properties: dict[str, str | int | float]
    made_by: list[Use]
    used_by: list[Use]
    made_from: list[Related]
    used_for: list[Related]
    more: tuple[str, ...] = ()


class _Reader:
    def __init__(self, history: History) -> None:
        self.history = history
        self.store = history.store
        self._uses: dict[int, Use] = {}

    def events(self, artifact_id: int) -> list[pb.Event]:
        found = self.store.get_events_by_artifact_ids([artifact_id])
        return sorted(found, key=lambda event: event.execution_id)

    def use(self, execution_id: int) -> Use:
        """The node and the run of an execution."""
        if execution_id not in self._uses:
            names = {c.type: c.name for c in self.store.get_contexts_by_execution(execution_id)}
            (execution,) = self.store.get_executions_by_id([execution_id])
            pipeline = names.get(PIPELINE_CONTEXT, self.history.pipeline)
            node = names.get(NODE_CONTEXT, execution.type).removeprefix(f"{pipeline}.")
            state = node_record.record(node, execution, ()).state
            self._uses[execution_id] = Use(pipeline, node, names.get(RUN_CONTEXT, ""), state)
        return self._uses[execution_id]

    def walk(self, start: int, up: bool) -> tuple[list[Related], bool]:
        """The artifacts above or below, breadth first; and whether there are more."""
        found: dict[int, tuple[int, int]] = {}
        edge, seen = [start], {start}
        steps = 0
        while edge and len(found) < _MOST:
            steps += 1
            next_edge: list[int] = []
            for artifact_id in edge:
                for execution_id in self._executions(artifact_id, made=up):
                    for other in self._artifacts(execution_id, made=not up):
                        if other not in seen:
                            seen.add(other)
                            found[other] = (steps, execution_id)
                            next_edge.append(other)
            edge = next_edge
        kept = dict([*found.items()][:_MOST])
        artifacts = {a.id: a for a in self.store.get_artifacts_by_id(kept)} if kept else {}
        rows = [
            Related(i, artifacts[i].type, artifacts[i].uri, n, self.use(execution))
            for i, (n, execution) in kept.items()
            if i in artifacts
        ]
        return rows, bool(edge) or len(found) > _MOST

    def _executions(self, artifact_id: int, made: bool) -> list[int]:
        """Those that made an artifact (only the first one: later ones took it from the cache),
        or those that read it."""
        types = (pb.Event.OUTPUT,) if made else (pb.Event.INPUT,)
        ids = [e.execution_id for e in self.events(artifact_id) if e.type in types]
        return ids[:1] if made else list(dict.fromkeys(ids))

    def _artifacts(self, execution_id: int, made: bool) -> list[int]:
        types = (pb.Event.OUTPUT,) if made else (pb.Event.INPUT,)
        events = self.store.get_events_by_execution_ids([execution_id])
        return sorted({e.artifact_id for e in events if e.type in types})


def read(history: History, artifact_id: int) -> Lineage:
    """The lineage of one artifact.

    Raises:
      ConfigError: there is none with this id.
    """
    reader = _Reader(history)
    found = history.store.get_artifacts_by_id([artifact_id])
    if not found:
        raise errors.ConfigError(errors.Problem(str(artifact_id), "there is no such artifact"))
    (artifact,) = found
    events = reader.events(artifact_id)
    above, more_above = reader.walk(artifact_id, up=True)
    below, more_below = reader.walk(artifact_id, up=False)
    flags = {"above": more_above, "below": more_below}
    return Lineage(
        artifact.id,
        artifact.type,
        artifact.uri,
        node_record.properties(artifact),
        _uses(reader, (e.execution_id for e in events if e.type in _OUTPUTS)),
        _uses(reader, (e.execution_id for e in events if e.type == pb.Event.INPUT)),
        above,
        below,
        tuple(name for name, is_more in flags.items() if is_more),
    )


def _uses(reader: _Reader, execution_ids: Iterable[int]) -> list[Use]:
    return [reader.use(i) for i in list(dict.fromkeys(execution_ids))[-_MOST:]]
