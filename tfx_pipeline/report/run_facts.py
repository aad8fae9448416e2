"""What ML Metadata, run.json and the manifest know about one run."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfx_pipeline import errors
from tfx_pipeline.ir import manifest as manifest_lib
from tfx_pipeline.metadata.run_history import Runs
from tfx_pipeline.metadata.run_record import NodeRun, Run
from tfx_pipeline.storage import files
from tfx_pipeline.storage.layout import CompiledLayout, Layout, join

if TYPE_CHECKING:
    from tfx_pipeline.metadata.node_record import Output

Properties = Mapping[str, str | int | float]


@dataclasses.dataclass(frozen=True)
class Artifact:
    """One artifact of a run.

    Attributes:
      node: the node that made it or took it from the cache.
      made_by: the run that made it.
    """

    id: int
    type: str
    key: str
    uri: str
    node: str
    properties: Properties
    made_by: str
    used_by: tuple[str, ...] = ()

    def file(self, *names: str) -> bytes | None:
        """The content of a file in its folder; None if there is none."""
        try:
            return files.read(join(self.uri, *names))
        except (OSError, errors.MissingExtra):
            return None

    def document(self, *names: str) -> dict[str, Any]:
        """A JSON file in its folder; empty if there is none."""
        content = self.file(*names)
        try:
            found = json.loads(content) if content else {}
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def splits(self) -> list[str]:
        """The names of its splits."""
        try:
            return [str(name) for name in json.loads(str(self.properties.get("split_names", "[]")))]
        except ValueError:
            return []


@dataclasses.dataclass(frozen=True)
class NodeFacts:
    """One node of a run."""

    id: str
    type: str
    upstream: tuple[str, ...]
    run: NodeRun
    properties: Properties

    def setting(self, name: str) -> Any:
        """A property of the execution; JSON is read. None if there is none."""
        value = self.properties.get(name)
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                return json.loads(value)
            except ValueError:
                return value
        return value


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """One run, its nodes in order, and its artifacts.

    Attributes:
      starts: Unix seconds when each node that ML Metadata knows was registered.
    """

    run: Run
    description: str
    nodes: tuple[NodeFacts, ...]
    artifacts: tuple[Artifact, ...]
    starts: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def artifact(self, type_name: str, node: str = "") -> Artifact | None:
        """The last artifact of a type, of a node if one is named; None if there is none."""
        found = [a for a in self.artifacts if a.type == type_name and node in ("", a.node)]
        return found[-1] if found else None

    def node(self, type_name: str) -> NodeFacts | None:
        """The node of a component's type; None if the run has none."""
        return next((n for n in self.nodes if n.type.rpartition(".")[2] == type_name), None)

    @functools.cached_property
    def task(self) -> str:
        """The label's task; empty if no node says it."""
        return str(self._said("task"))

    @functools.cached_property
    def label(self) -> str:
        """The label's column; empty if no node says it."""
        return str(self._said("label"))

    def _said(self, name: str) -> Any:
        return next((n.properties[name] for n in self.nodes if n.properties.get(name)), "")


def read(
    runs: Runs, run_id: str, layout: Layout, plan: Sequence[manifest_lib.Node] = ()
) -> RunFacts:
    """Reads the run with exactly this id.

    Args:
      plan: the nodes of a run that has ended. Empty: those of the manifest in the run's
        folder; without one, those that have started.

    Raises:
      ConfigError: there is no such run.
    """
    run = _ended_run(runs, run_id, layout, plan) if plan else runs.read(run_id)
    folder = CompiledLayout(layout.run(run.run_id).folder)
    compiled = manifest_lib.read(folder.manifest) if folder.manifest.exists() else None
    planned = plan or (compiled.nodes if compiled else ())
    history = runs.history
    records = history.records(run.run_id) if history else {}
    executions = {r.execution_id: node for node, r in records.items()}
    outputs = [(node, output) for node, record in records.items() for output in record.outputs]
    made_by = history.runs_of_outputs({o.id for _, o in outputs}) if history else {}
    of_execution = history.inputs_of(executions) if history else {}
    inputs = {executions[i]: keys for i, keys in of_execution.items()}
    used_by: dict[int, list[str]] = {}
    for node, of_node in inputs.items():
        for artifact_id in {i for ids in of_node.values() for i in ids}:
            used_by.setdefault(artifact_id, []).append(node)
    properties = history.execution_properties(executions) if history else {}
    producer = {output.id: node for node, output in outputs}
    nodes = _nodes(
        run, planned, inputs, producer, {executions[i]: p for i, p in properties.items()}
    )
    artifacts = [
        _artifact(node, output, made_by.get(output.id, ""), tuple(used_by.get(output.id, ())))
        for node, output in outputs
    ]
    return RunFacts(
        run,
        compiled.description if compiled else "",
        nodes,
        tuple(artifacts or _of_run_json(run)),
        {node: record.started for node, record in records.items()},
    )


def _ended_run(runs: Runs, run_id: str, layout: Layout, plan: Sequence[manifest_lib.Node]) -> Run:
    """A run of an orchestrator, which has ended: a node that did not start is a failure."""
    started = runs.history is not None and bool(runs.history.records(run_id))
    if not started:
        return Run(run_id=run_id, pipeline=layout.name, state="failed")
    run = runs.read(run_id)
    if run.state == "complete" and any(node.id not in run.nodes for node in plan):
        return runs.attach(run.model_copy(update={"state": "failed"}))
    return run


def without_metadata(run: Run) -> RunFacts:
    """What the record of a run itself says."""
    return RunFacts(run, "", _nodes(run, (), {}, {}, {}), tuple(_of_run_json(run)))


def _artifact(node: str, output: Output, made_by: str, used_by: tuple[str, ...]) -> Artifact:
    return Artifact(
        output.id, output.type, output.key, output.uri, node, output.properties, made_by, used_by
    )


def _of_run_json(run: Run) -> list[Artifact]:
    """Without ML Metadata, what run.json names; types and properties are not known."""
    return [
        Artifact(0, "", key, uri, node, {}, "")
        for node, of_node in run.nodes.items()
        for key, uris in of_node.outputs.items()
        for uri in uris
    ]


def _nodes(
    run: Run,
    planned: Sequence[manifest_lib.Node],
    inputs: Mapping[str, Mapping[str, list[int]]],
    producer: Mapping[int, str],
    properties: Mapping[str, Properties],
) -> tuple[NodeFacts, ...]:
    """The planned nodes; without a plan, those that ran, with edges from their inputs."""
    if planned:
        return tuple(
            NodeFacts(
                node.id,
                node.type,
                node.upstream,
                run.nodes.get(node.id, NodeRun(state="skipped", note="it was not started")),
                properties.get(node.id, {}),
            )
            for node in planned
        )
    result = []
    for name, node_run in run.nodes.items():
        read_ids = {i for ids in inputs.get(name, {}).values() for i in ids}
        upstream = dict.fromkeys(producer[i] for i in sorted(read_ids) if i in producer)
        upstream.pop(name, None)
        result.append(NodeFacts(name, name, tuple(upstream), node_run, properties.get(name, {})))
    return tuple(result)
