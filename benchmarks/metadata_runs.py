"""Adds runs to ML Metadata: copies of one that TFX wrote, with all its nodes and artifacts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

_RUN, _CACHE, _PIPELINE = "pipeline_run", "execution_cache", "pipeline"
_AT_ONCE = 20


def add(store: ml_metadata.MetadataStore, run_id: str, count: int) -> None:
    """Adds copies of a run. Half of them are new throughout, the others are from the cache."""
    template = _Template(store, run_id)
    for first in range(0, count, _AT_ONCE):
        template.write(range(first, min(first + _AT_ONCE, count)))


class _Template:
    """A run's records, and how copies of them are written."""

    def __init__(self, store: ml_metadata.MetadataStore, run_id: str) -> None:
        self._store = store
        run = store.get_context_by_type_and_name(_RUN, run_id)
        self._executions = store.get_executions_by_context(run.id)
        self._events = store.get_events_by_execution_ids([e.id for e in self._executions])
        ids = {event.artifact_id for event in self._events}
        self._artifacts = store.get_artifacts_by_id(sorted(ids))
        self._contexts = {e.id: store.get_contexts_by_execution(e.id) for e in self._executions}
        held = {c.id: c for contexts in self._contexts.values() for c in contexts}
        self._changing = [c for c in held.values() if c.type in (_RUN, _CACHE)]
        self._model = next(a.id for a in self._artifacts if a.type == "Model")
        self._pipeline = next(c for c in held.values() if c.type == _PIPELINE)

    def write(self, numbers: Iterable[int]) -> None:
        """Writes the copies of these numbers: an odd one has everything from the cache."""
        executions: list[pb.Execution] = []
        artifacts: list[pb.Artifact] = []
        edges: list[tuple[int, int, pb.Event]] = []
        associations: list[tuple[int, int]] = []  # context, place of the execution
        attributions: list[tuple[int, int]] = []  # context, place of the artifact
        for number in numbers:
            contexts = self._write_contexts(number)
            places = {e.id: len(executions) + i for i, e in enumerate(self._executions)}
            artifact_places = {a.id: len(artifacts) + i for i, a in enumerate(self._artifacts)}
            executions += [self._execution(e, number) for e in self._executions]
            artifacts += [self._artifact(a, number) for a in self._artifacts]
            for event in self._events:
                execution, artifact = places[event.execution_id], artifact_places[event.artifact_id]
                edges.append((execution, artifact, _copy(event, "execution_id", "artifact_id")))
                held = [contexts.get(c.id, c.id) for c in self._contexts[event.execution_id]]
                attributions += [(context, artifact) for context in held]
            for of, held_contexts in self._contexts.items():
                associations += [(contexts.get(c.id, c.id), places[of]) for c in held_contexts]
        ids, artifact_ids, _ = self._store.put_lineage_subgraph(executions, artifacts, [], edges)
        self._store.put_attributions_and_associations(
            [pb.Attribution(context_id=c, artifact_id=artifact_ids[a]) for c, a in {*attributions}],
            [pb.Association(context_id=c, execution_id=ids[e]) for c, e in {*associations}],
        )
        self._refer_to_copies(artifacts, artifact_ids)

    def _refer_to_copies(self, artifacts: list[pb.Artifact], ids: Iterable[int]) -> None:
        """The blessings of a copied model name the copy, and each copy is a version of its own."""
        model = self._model
        changed = []
        for artifact, id_ in zip(artifacts, ids):
            is_new = not artifact.id
            model = id_ if is_new and artifact.type == "Model" else model
            if is_new and artifact.type in ("ModelBlessing", "InfraBlessing"):
                artifact.custom_properties["current_model_id"].int_value = model
            elif is_new and artifact.type == "PushedModel":
                name = "pushed_destination"
                folder, _, version = artifact.custom_properties[name].string_value.rpartition("/")
                artifact.custom_properties[name].string_value = f"{folder}/{int(version) + id_}"
            else:
                continue
            artifact.id = id_
            changed.append(artifact)
        self._store.put_artifacts(changed)

    def _write_contexts(self, number: int) -> dict[int, int]:
        """The copy's own contexts, by the template's: its run, and cache keys if it is new."""
        own = [c for c in self._changing if c.type == _RUN or _is_new(number)]
        copies = [_copy(context, "id") for context in own]
        for context, copy in zip(own, copies):
            name = f"copy-{number:05d}"
            copy.name = name if context.type == _RUN else f"{name}-{context.name}"
        ids = self._store.put_contexts(copies)
        runs = [i for i, context in zip(ids, own) if context.type == _RUN]
        parents = [pb.ParentContext(child_id=i, parent_id=self._pipeline.id) for i in runs]
        self._store.put_parent_contexts(parents)
        return {context.id: i for context, i in zip(own, ids)}

    def _execution(self, execution: pb.Execution, number: int) -> pb.Execution:
        copy = _copy(execution, "id", "name")
        if not _is_new(number) and copy.last_known_state == pb.Execution.COMPLETE:
            copy.last_known_state = pb.Execution.CACHED
        return copy

    def _artifact(self, artifact: pb.Artifact, number: int) -> pb.Artifact:
        return _copy(artifact, "id", "name") if _is_new(number) else artifact


def _is_new(number: int) -> bool:
    return number % 2 == 0


def _copy(message: Any, *without: str) -> Any:
    result = type(message)()
    result.CopyFrom(message)
    for name in (*without, "create_time_since_epoch", "last_update_time_since_epoch"):
        if name in message.DESCRIPTOR.fields_by_name:
            result.ClearField(name)
    return result
