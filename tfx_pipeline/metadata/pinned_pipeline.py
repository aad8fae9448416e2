"""A run keeps the pipeline that it began with, whatever was compiled since.

The first node of a run leaves the IR in ML Metadata; its other nodes, and
retries on any machine, go on with that one.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import sys
import time

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.proto.orchestration import pipeline_pb2 as pb

from tfx_pipeline.ir import pipeline_ir as ir
from tfx_pipeline.metadata.history import History

CONTEXT_TYPE = "tfx_pipeline.PipelineOfRun"
_IR = "pipeline_ir"
_ATTEMPTS = 5


def pipeline_of_run(history: History, run_id: str, offered: pb.Pipeline) -> pb.Pipeline:
    """Returns the pipeline the run began with; `offered`, when it begins only now."""
    data = offered.SerializeToString(deterministic=True)
    held = _remember(history.store, f"{history.pipeline}/{run_id}", data)
    if held == data:
        return offered
    print(
        f"run {run_id} goes on with the pipeline that it began with ({_short(held)}), "
        f"not with the one compiled since ({_short(data)})",
        file=sys.stderr,
    )
    return pb.Pipeline.FromString(held)


def is_added_since(node: str, pipeline: pb.Pipeline, offered: pb.Pipeline) -> bool:
    """Whether `node` is no part of the run's pipeline, but of the one compiled since."""
    return node not in ir.node_ids(pipeline) and node in ir.node_ids(offered)


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def _remember(store: ml_metadata.MetadataStore, name: str, data: bytes) -> bytes:
    """Stores `data` under `name` unless there is something; returns what is there."""
    context = mlmd.Context(type_id=_type_id(store), name=name)
    context.custom_properties[_IR].string_value = _to_text(data)
    try:
        # Names are unique, so of two first nodes that start together only one gets through.
        store.put_contexts([context])
        return data
    except ml_metadata.errors.AlreadyExistsError:
        found = store.get_context_by_type_and_name(CONTEXT_TYPE, name)
        return _to_bytes(found.custom_properties[_IR].string_value)


def _type_id(store: ml_metadata.MetadataStore) -> int:
    for attempt in range(_ATTEMPTS):
        try:
            return store.put_context_type(mlmd.ContextType(name=CONTEXT_TYPE))
        except ml_metadata.errors.StatusError:  # two processes making it at the same time
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.1 * 2**attempt)
    raise AssertionError("unreachable")


def _to_text(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def _to_bytes(text: str) -> bytes:
    return gzip.decompress(base64.b64decode(text))
