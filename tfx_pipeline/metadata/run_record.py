"""One run: its nodes and how they ended, its metrics, whether its model was blessed and pushed."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import override

from tfx_pipeline import errors
from tfx_pipeline.metadata import notebook_view

if TYPE_CHECKING:
    from tfx_pipeline.metadata.node_record import NodeRecord, Output

NodeState = Literal["complete", "cached", "failed", "skipped", "canceled", "running"]
_BLESSINGS = ("ModelBlessing", "InfraBlessing")

RunState = Literal["complete", "failed", "refused", "canceled", "running"]


class NodeRun(notebook_view.Shown):
    """How one node ended in one run. A notebook shows it with what the node has made.

    Attributes:
      outputs: URIs by output key.
      error: one line with the reason why it failed or refused.
      findings: the rows of a refusal or a note: subject, rule, found.
      note: a message of a node that succeeded.
      reason: why it was executed and not taken from the cache.
      log: the file with its output.
      cpu_seconds: CPU time of its process and that process's children.
      peak_memory_mb: its largest resident set, including shared pages.
    """

    state: NodeState
    seconds: float = 0.0
    outputs: dict[str, list[str]] = {}
    error: str | None = None
    findings: tuple[dict[str, str], ...] = ()
    note: str | None = None
    reason: str | None = None
    log: str | None = None
    cpu_seconds: float | None = None
    peak_memory_mb: int | None = None

    @property
    def artifacts(self) -> dict[str, notebook_view.OutputArtifact]:
        """The outputs by key, which a notebook shows: `artifacts["statistics"]`.

        Empty for a record that is not a part of a `Run`.
        """
        origin = self._origin
        if origin.run is None:
            return {}
        return {
            key: notebook_view.OutputArtifact(origin.node, key, tuple(uris), origin.run)
            for key, uris in self.outputs.items()
        }

    def _repr_html_(self) -> str | None:
        origin = self._origin
        if origin.run is None:
            return None
        return notebook_view.html(origin.run, lambda view, facts: view.of_node(facts, origin.node))


class Run(notebook_view.Shown):
    """One run of a pipeline; the content of run.json. A notebook shows its result and its nodes.

    Attributes:
      seconds: wall time.
      metrics: the Evaluator's overall metrics on the test split, by name; None is a metric
        that is not defined on these rows.
      undefined_metrics: the reasons why metrics are not defined, by name.
      blessed: whether the model met its thresholds and can be served; None if no gate
        checked it.
      pushed_model: the folder of the pushed SavedModel; None if nothing was pushed.
    """

    run_id: str
    pipeline: str
    state: RunState
    started: str = ""
    seconds: float = 0.0
    nodes: dict[str, NodeRun] = {}
    metrics: dict[str, float | None] = {}
    undefined_metrics: dict[str, str] = {}
    blessed: bool | None = None
    pushed_model: str | None = None

    @property
    def pushed_version(self) -> str | None:
        """The version of the pushed model, the name of its folder."""
        return version_of(self.pushed_model) if self.pushed_model else None

    @property
    def exit_code(self) -> int:
        """The exit code of the command that ran it."""
        return {
            "complete": errors.EXIT_OK,
            "refused": errors.EXIT_REFUSED,
            "canceled": errors.EXIT_INTERRUPTED,
        }.get(self.state, errors.EXIT_FAILED)

    @override
    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        for name, node in self.nodes.items():
            node._origin = notebook_view.Origin(run=self, node=name)

    def _repr_html_(self) -> str:
        return notebook_view.html(self, lambda view, facts: view.of_run(facts))

    def to_json(self) -> str:
        """The content of run.json."""
        return self.model_dump_json(indent=1) + "\n"


def summarise(
    run_id: str,
    pipeline: str,
    records: dict[str, NodeRecord],
    others: dict[str, NodeRun],
    order: Iterable[str],
    *,
    started: str,
    seconds: float,
    details: dict[str, dict[str, Any]] | None = None,
) -> Run:
    """Builds a run from its nodes' records in ML Metadata.

    Args:
      records: the nodes that are in ML Metadata.
      others: nodes that are not; if a node is in both, its record is used.
      order: the pipeline's nodes, in order.
      details: values for fields of `NodeRun` that ML Metadata does not store, by node.
    """
    details = details or {}
    known = {node: _node_run(r, details.get(node, {})) for node, r in records.items()}
    nodes = {n: known.get(n) or others[n] for n in order if n in known or n in others}
    outputs = [o for record in records.values() for o in record.outputs if not o.resolved]
    return Run(
        run_id=run_id,
        pipeline=pipeline,
        state=_state(nodes.values(), any(record.refused for record in records.values())),
        started=started,
        seconds=round(seconds, 1),
        nodes=nodes,
        metrics=_of_evaluation(outputs, "metrics"),
        undefined_metrics=_of_evaluation(outputs, "undefined_metrics"),
        blessed=_blessed(outputs),
        pushed_model=_pushed_model(outputs),
    )


def _node_run(record: NodeRecord, details: dict[str, Any]) -> NodeRun:
    values = {
        "state": "failed" if record.refused else record.state,
        "seconds": round(record.seconds, 1),
        "outputs": record.uris(),
        "error": record.error,
        "note": record.note,
        "findings": tuple(vars(finding) for finding in record.findings),
    }
    return NodeRun(**{**values, **details})


def _state(nodes: Iterable[NodeRun], refused: bool) -> RunState:
    states = {node.state for node in nodes}
    if "canceled" in states:
        return "canceled"
    if "running" in states:
        return "running"
    if refused:
        return "refused"
    return "failed" if "failed" in states else "complete"


def _of_evaluation(outputs: Iterable[Output], key: str) -> dict[str, Any]:
    """A mapping that the Evaluator wrote into a property as JSON; empty if there is none."""
    for output in outputs:
        if output.type == "ModelEvaluation" and key in output.properties:
            found: dict[str, Any] = json.loads(str(output.properties[key]))
            return found
    return {}


def _blessed(outputs: Iterable[Output]) -> bool | None:
    """Each gate can refuse; only the Evaluator, which may have been skipped, can bless."""
    blessings = [o for o in outputs if o.type in _BLESSINGS and "blessed" in o.properties]
    if any(output.properties["blessed"] != 1 for output in blessings):
        return False
    return True if any(output.type == "ModelBlessing" for output in blessings) else None


def _pushed_model(outputs: Iterable[Output]) -> str | None:
    for output in outputs:
        if output.type == "PushedModel" and output.properties.get("pushed") == 1:
            return str(output.properties["pushed_destination"])
    return None


def metric_text(run: Run, name: str) -> str:
    """A metric of a run for people: `auc 0.9473`, or why it is not defined."""
    value = run.metrics[name]
    if value is not None:
        return f"{name} {value:.4g}"
    reason = run.undefined_metrics.get(name)
    return f"{name} not defined ({reason})" if reason else f"{name} not defined"


def timestamp(seconds: float) -> str:
    """Unix seconds as ISO 8601 in UTC, to the second."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def version_of(destination: str) -> str:
    """The version of a pushed model, from its folder."""
    return destination.rstrip("/").rpartition("/")[2]
