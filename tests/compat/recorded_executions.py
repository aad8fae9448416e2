"""Executions in ML Metadata, recorded by TFX's own functions."""

from __future__ import annotations

import pathlib


class Database:
    """An ML Metadata store that TFX's own functions fill."""

    def __init__(self, folder: pathlib.Path) -> None:
        from tfx.orchestration import metadata

        self.folder = folder
        config = metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite"))
        self.handle = metadata.Metadata(config)
        self.handle.__enter__()

    def contexts(self, pipeline: str, run: str, node: str) -> list:
        from tfx.orchestration.portable.mlmd import context_lib
        from tfx.proto.orchestration import pipeline_pb2

        spec = pipeline_pb2.NodeContexts()
        names = {"pipeline": pipeline, "pipeline_run": run, "node": f"{pipeline}.{node}"}
        for kind, name in names.items():
            context = spec.contexts.add()
            context.type.name = kind
            context.name.field_value.string_value = name
        return context_lib.prepare_contexts(self.handle, spec)

    def cache(self, key: str):
        from tfx.orchestration.portable.mlmd import context_lib

        return context_lib.register_context_if_not_exists(self.handle, "execution_cache", key)

    def execute(self, contexts: list, state: str = "COMPLETE", files: bool = True) -> int:
        """Records an execution with one output; returns its id."""
        from ml_metadata.proto import metadata_store_pb2 as pb
        from tfx.orchestration.portable.mlmd import execution_lib
        from tfx.types import standard_artifacts

        place = self.folder / f"output-{len(list(self.folder.iterdir()))}"
        place.mkdir()
        model = standard_artifacts.Model()
        model.uri = str(place)
        model.mlmd_artifact.state = pb.Artifact.LIVE
        execution = execution_lib.prepare_execution(
            self.handle, pb.ExecutionType(name="node"), pb.Execution.State.Value(state)
        )
        written = execution_lib.put_execution(
            self.handle, execution, contexts, output_artifacts={"model": [model]}
        )
        if not files:
            place.rmdir()
        return written.id


def channel(*contexts: tuple[str, str]):
    from tfx.proto.orchestration import pipeline_pb2

    result = pipeline_pb2.InputSpec.Channel(output_key="model")
    result.artifact_query.type.name = "Model"
    for kind, name in contexts:
        query = result.context_queries.add()
        query.type.name = kind
        query.name.field_value.string_value = name
    return result
