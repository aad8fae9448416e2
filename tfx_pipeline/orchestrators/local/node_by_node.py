"""Single nodes, one after the other in one run, as in a notebook."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from tfx_pipeline import errors
from tfx_pipeline.compiler import compile_cache
from tfx_pipeline.config import data_files
from tfx_pipeline.config.models import Config, PipelineConfig
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.metadata.run_record import NodeRun, Run
from tfx_pipeline.storage.layout import CompiledLayout, RunLayout, is_remote
from tfx_pipeline.user_code import code_digest

if TYPE_CHECKING:
    from tfx_pipeline.metadata.history import History

_KEPT = ("seconds", "log", "cpu_seconds", "peak_memory_mb", "reason")


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a run reads, and the digests of its nodes do not contain.

    Attributes:
      key: a digest of the configuration and this library, or of own code that makes the pipeline.
      files: time and size of each file of the data; empty if it is not on this machine.
    """

    key: str | None
    files: dict[str, tuple[int, int]]

    @classmethod
    def of(cls, config: PipelineConfig, is_object: bool) -> Inputs:
        """Those of now.

        Args:
          config: of the pipeline.
          is_object: whether the pipeline is an object, which cannot change.
        """
        key = None if is_object else compile_cache.key(config) or _own_code(config)
        return cls(key, dict(_states(config)))


def _own_code(config: PipelineConfig) -> str:
    paths = (config.modules.create_pipeline, *config.modules.extend)
    return json.dumps(code_digest.code_digests(*paths), sort_keys=True)


def _states(config: PipelineConfig) -> Iterator[tuple[str, tuple[int, int]]]:
    if not isinstance(config, Config) or config.data.url or is_remote(config.data.path):
        return
    folders = config.data.split.folder_names
    for file in data_files.find(config.data.path, config.data.format, folders):
        with contextlib.suppress(OSError):  # deleted since
            found = file.stat()
            yield str(file), (found.st_mtime_ns, found.st_size)


@dataclasses.dataclass(frozen=True)
class Progress:
    """What a run has done so far.

    Attributes:
      ended: the nodes that have ended well.
      changed: those of them whose code or files are not the same any more.
    """

    ended: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @classmethod
    def of(cls, history: History, run_id: str, compiled: CompiledLayout) -> Progress:
        """Reads it from ML Metadata."""
        from tfx_pipeline.execution import finished_nodes
        from tfx_pipeline.ir import pipeline_ir

        pipeline = pipeline_ir.read(compiled.ir)
        names = pipeline_ir.node_ids(pipeline)
        executions = finished_nodes.ended_well(history, run_id, names)
        changed = finished_nodes.changed(pipeline, history, executions)
        return cls(tuple(executions), tuple(changed))


def with_upstream(plan: Manifest, node: str) -> list[str]:
    """The node and all nodes that it needs, in order.

    Raises:
      ConfigError: there is no such node.
    """
    upstream = {of_plan.id: of_plan.upstream for of_plan in plan.nodes}
    if node not in upstream:
        message = f"pipeline {plan.pipeline!r} has no such node"
        hint = errors.did_you_mean(node, upstream) or f"Its nodes: {', '.join(upstream)}"
        raise errors.ConfigError(errors.Problem(node, message, hint))
    needed, waiting = {node}, [node]
    while waiting:
        above = set(upstream[waiting.pop()]) - needed
        needed |= above
        waiting += above
    return [name for name in upstream if name in needed]


def details(files: RunLayout, nodes: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What run.json says of these nodes, and ML Metadata does not store."""
    try:
        known = Run.model_validate_json(files.run_json.read_bytes()).nodes
    except (OSError, ValueError):
        return {}
    return {name: known[name].model_dump(include={*_KEPT}) for name in nodes if name in known}


def ensure_ended_well(run: Run, node: str, needed: Iterable[str]) -> NodeRun:
    """How the node ended.

    Raises:
      Refused: the node, or one that it needs, is a gate that refused.
      NodeError: the node, or one that it needs, failed.
    """
    for name in needed:
        ended = run.nodes[name]
        if not ended.error:
            continue
        why = "" if name == node else f"{node} did not run. "
        rows = [errors.Finding(**row) for row in ended.findings]
        message = f"{why}{name}: {ended.error}" + "".join(
            f"\n  {row.subject}: {row.rule}: {row.found}" for row in rows
        )
        if run.state == "refused":
            raise errors.Refused(message, rows)
        raise errors.NodeError(f"{message} (log: {ended.log})")
    return run.nodes[node]
