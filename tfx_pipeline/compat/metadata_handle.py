"""TFX's handle of ML Metadata, with the connection that this project uses."""

from __future__ import annotations

import ml_metadata
from tfx.orchestration import metadata as tfx_metadata
from tfx.proto.orchestration import pipeline_pb2

from tfx_pipeline.ir import pipeline_ir
from tfx_pipeline.metadata import database
from tfx_pipeline.metadata.restarting_store import restarting


class _Handle(tfx_metadata.Metadata):
    @property
    def store(self) -> ml_metadata.MetadataStore:
        """The store; its calls are made again where a server asks for it."""
        return restarting(super().store)


def of_pipeline(pipeline: pipeline_pb2.Pipeline) -> tfx_metadata.Metadata:
    """A handle for the pipeline's database. It is not open, and knows the password."""
    connection = pipeline_ir.metadata_connection(pipeline)
    kind = _Handle if connection.HasField("mysql") else tfx_metadata.Metadata
    return kind(database.with_password(connection))
