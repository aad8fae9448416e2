"""Runs that are only in ML Metadata, as Airflow and Kubeflow leave them."""

from __future__ import annotations

import json

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

NODES = ("ExampleGen", "Trainer", "Evaluator")
_TYPES = {"ExampleGen": "Examples", "Trainer": "Model", "Evaluator": "ModelEvaluation"}


def write(store: ml_metadata.MetadataStore, pipeline: str, run_ids: list[str]) -> None:
    """Records runs of three nodes; each node reads what the one before it made."""
    of_type = {
        name: store.put_context_type(pb.ContextType(name=name))
        for name in ("pipeline", "pipeline_run", "node")
    }
    contexts = [_context(of_type["pipeline"], pipeline)]
    contexts += [_context(of_type["node"], f"{pipeline}.{node}") for node in NODES]
    contexts += [_context(of_type["pipeline_run"], run_id) for run_id in run_ids]
    parent, *ids = store.put_contexts(contexts)
    nodes, runs = ids[: len(NODES)], ids[len(NODES) :]
    store.put_parent_contexts([pb.ParentContext(child_id=run, parent_id=parent) for run in runs])
    executions = {n: store.put_execution_type(pb.ExecutionType(name=n)) for n in NODES}
    artifacts = {n: store.put_artifact_type(_artifact_type(t)) for n, t in _TYPES.items()}
    for number, run in enumerate(runs):
        before: int | None = None
        for node, context in zip(NODES, nodes, strict=True):
            execution = pb.Execution(
                type_id=executions[node], last_known_state=pb.Execution.COMPLETE
            )
            artifact = pb.Artifact(type_id=artifacts[node], uri=f"/{node}/{number}")
            if node == "Evaluator":
                found = json.dumps({"auc": 0.5 + number % 400 / 1000})
                artifact.custom_properties["metrics"].string_value = found
            pairs = [(artifact, _event(pb.Event.OUTPUT))]
            if before is not None:
                pairs.append(
                    (pb.Artifact(id=before, **_same(store, before)), _event(pb.Event.INPUT))
                )
            linked = [pb.Context(), pb.Context(), pb.Context()]
            for link, known in zip(
                linked, store.get_contexts_by_id([parent, context, run]), strict=True
            ):
                link.CopyFrom(known)
            _, artifact_ids, _ = store.put_execution(
                execution, pairs, linked, reuse_context_if_already_exist=True
            )
            before = artifact_ids[0]


def _same(store: ml_metadata.MetadataStore, artifact_id: int) -> dict:
    (found,) = store.get_artifacts_by_id([artifact_id])
    return {"type_id": found.type_id, "uri": found.uri}


def _context(type_id: int, name: str) -> pb.Context:
    return pb.Context(type_id=type_id, name=name)


def _artifact_type(name: str) -> pb.ArtifactType:
    return pb.ArtifactType(name=name)


def _event(kind: pb.Event.Type) -> pb.Event:
    event = pb.Event(type=kind)
    event.path.steps.add().key = "data"
    event.path.steps.add().index = 0
    return event
