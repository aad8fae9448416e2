"""Pins the pipeline of a run: the run keeps it, even if another is compiled in between.

The first node of a run stores the IR in ML Metadata. The run's other nodes, and
retries on any machine, use the stored one.
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
    """Returns the pipeline the run started with; stores `offered` if the run starts now."""
    data = offered.SerializeToString(deterministic=True)
    pinned = _store_once(history.store, f"{history.pipeline}/{run_id}", data)
    if pinned == data:
        return offered
    print(
        f"run {run_id} continues with the pipeline it started with ({_short(pinned)}), "
        f"not with the newer one ({_short(data)})",
        file=sys.stderr,
    )
    return pb.Pipeline.FromString(pinned)


def stored(history: History, run_id: str) -> pb.Pipeline | None:
    """The pipeline the run started with; None if it has not started."""
    found = history.store.get_context_by_type_and_name(CONTEXT_TYPE, f"{history.pipeline}/{run_id}")
    return pb.Pipeline.FromString(_stored_bytes(found)) if found is not None else None


def is_added_since(node: str, pipeline: pb.Pipeline, offered: pb.Pipeline) -> bool:
    """Whether `node` is not in the run's pipeline, but in the one that was compiled later."""
    return node not in ir.node_ids(pipeline) and node in ir.node_ids(offered)


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def _store_once(store: ml_metadata.MetadataStore, name: str, data: bytes) -> bytes:
    """Stores `data` under `name` unless something is stored there; returns the stored data."""
    context = mlmd.Context(type_id=_type_id(store), name=name)
    text = base64.b64encode(gzip.compress(data, mtime=0)).decode()
    context.custom_properties[_IR].string_value = text
    try:
        # Names are unique, so of two first nodes that start together only one succeeds.
        store.put_contexts([context])
        return data
    except ml_metadata.errors.AlreadyExistsError:
        found = store.get_context_by_type_and_name(CONTEXT_TYPE, name)
        return _stored_bytes(found)


def _stored_bytes(context: mlmd.Context) -> bytes:
    return gzip.decompress(base64.b64decode(context.custom_properties[_IR].string_value))


def _type_id(store: ml_metadata.MetadataStore) -> int:
    for attempt in range(_ATTEMPTS):
        try:
            return store.put_context_type(mlmd.ContextType(name=CONTEXT_TYPE))
        except ml_metadata.errors.StatusError:  # two processes create it at the same time
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.1 * 2**attempt)
    raise AssertionError("unreachable")
