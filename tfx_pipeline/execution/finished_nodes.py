"""Which nodes of a run have ended well, and whether what they depend on has changed since."""

from __future__ import annotations

from collections.abc import Iterable

from tfx.orchestration.local import runner_utils
from tfx.proto.orchestration import pipeline_pb2

from tfx_pipeline.execution import cache_key
from tfx_pipeline.ir import pipeline_ir
from tfx_pipeline.metadata.history import History

_DIGESTS = (cache_key.CODE_PARAMETER, cache_key.FILE_PARAMETER)


def ended_well(history: History, run_id: str, nodes: Iterable[str]) -> dict[str, int]:
    """Those nodes that need not run again in this run, with the ids of their executions."""
    records = history.records(run_id)
    return {
        node: records[node].execution_id
        for node in nodes
        if node in records and records[node].ended_well and records[node].exit_code == 0
    }


def changed(
    pipeline: pipeline_pb2.Pipeline, history: History, executions: dict[str, int]
) -> list[str]:
    """The nodes whose code or files are not those that they were executed with.

    Args:
      pipeline: it is changed: the digests of today become parameters of these nodes.
      executions: ids by node.
    """
    deployment = runner_utils.extract_local_deployment_config(pipeline)
    properties = history.execution_properties(executions.values())
    found = []
    for name, execution_id in executions.items():
        node = pipeline_ir.find_node(pipeline, name)
        cache_key.complete_key(node, deployment, cache_key.code_paths(node, deployment))
        known = properties.get(execution_id, {})
        parameters = node.parameters.parameters
        today = {
            key: parameters[key].field_value.string_value for key in _DIGESTS if key in parameters
        }
        if any(known.get(key) not in (None, digest) for key, digest in today.items()):
            found.append(name)
    return found
