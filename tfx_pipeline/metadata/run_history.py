"""The runs of a pipeline, read from ML Metadata and the local runner's run.json.

    runs = open_runs(load_config("pipeline.yaml"))
    runs.latest().metrics["auc"]
    runs.get("20261124-101500-0417").nodes["Trainer"].outputs["model"]

ML Metadata decides; run.json adds what ML Metadata does not store: the log files, the
skipped nodes, the run's wall time.
"""

from __future__ import annotations

import datetime
import json
import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import pydantic
from typing_extensions import override

from tfx_pipeline import errors
from tfx_pipeline.config.metadata_database import SQLITE
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.metadata import notebook_view
from tfx_pipeline.storage.layout import Layout

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2 as pb

    from tfx_pipeline.metadata.history import History
    from tfx_pipeline.metadata.node_record import NodeRecord, Output

_log = logging.getLogger(__name__)

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
        return _version(self.pushed_model) if self.pushed_model else None

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


class Runs:
    """The runs of one pipeline, oldest first.

    Attributes:
      history: the pipeline's records in ML Metadata; None if it has no database yet.
      layout: the folder of the pipeline.
    """

    def __init__(self, layout: Layout, history: History | None) -> None:
        self.layout = layout
        self.history = history

    def ids(self) -> list[str]:
        """The runs' ids, oldest first."""
        known = self.history.run_ids() if self.history else []
        files = sorted(self.layout.runs.glob("*/run.json"), key=lambda f: f.stat().st_mtime)
        local = dict.fromkeys(file.parent.name for file in files)
        return list(dict.fromkeys([*known, *local]))

    def latest(self) -> Run:
        """The newest run.

        Raises:
          ConfigError: there is none.
        """
        ids = self.ids()
        if not ids:
            raise errors.ConfigError(
                f"pipeline {self.layout.name!r} has no runs below {self.layout.root}. "
                "Start one: tfx-pipeline run"
            )
        return self.read(ids[-1])

    def get(self, run_id: str) -> Run:
        """The run with that id, or with an id that begins with `run_id`.

        Raises:
          ConfigError: there is no such run, or several, or its run.json is damaged and
            ML Metadata does not know it.
        """
        ids = self.ids()
        matches = [i for i in ids if i == run_id] or [i for i in ids if i.startswith(run_id)]
        if len(matches) != 1:
            message = f"pipeline {self.layout.name!r} has no such run"
            if matches:
                message = f"pipeline {self.layout.name!r} has several runs whose ids begin with it"
            hint = "" if matches else errors.did_you_mean(run_id, ids)
            raise errors.ConfigError(errors.Problem(run_id, message, hint))
        return self.read(matches[0])

    def newest(self, count: int) -> list[Run]:
        """The newest runs, oldest first. A warning names a run that cannot be read."""
        return list(self._readable(self.ids()[-count:]))

    def pushed(self, versions: Iterable[str]) -> dict[str, Run]:
        """For each version of a pushed model, the run that pushed it.

        Args:
          versions: names of version folders.
        """
        wanted = set(versions)
        found: dict[str, Run] = {}
        if self.history is None:
            for run in self._readable(self.ids()):
                found.setdefault(_version(run.pushed_model or ""), run)
            return {version: run for version, run in found.items() if version in wanted}
        pushes = self.history.pushes(lambda push: _version(_pushed_destination(push)) in wanted)
        places = {push.id: _version(_pushed_destination(push)) for push in pushes}
        for artifact_id, run_id in sorted(self.history.runs_of_outputs(places).items()):
            for run in self._readable([run_id]):
                found.setdefault(places[artifact_id], run)
        return found

    def _readable(self, run_ids: Iterable[str]) -> Iterator[Run]:
        """Those runs that can be read. A warning names the others."""
        for run_id in run_ids:
            try:
                yield self.read(run_id)
            except errors.ConfigError as error:
                _log.warning("run %s is left out: %s", run_id, error)

    def attach(self, run: Run) -> Run:
        """Makes a run of these show its artifacts in a notebook; returns it."""
        run._origin = notebook_view.Origin(runs=self)
        return run

    def read(self, run_id: str) -> Run:
        """The run with exactly this id.

        Raises:
          ConfigError: there is none, or its run.json is damaged and ML Metadata does not know it.
        """
        return self.attach(self._read_record(run_id))

    def _read_record(self, run_id: str) -> Run:
        file = self.layout.run(run_id).run_json
        try:
            local = Run.model_validate_json(file.read_bytes())
        except (OSError, pydantic.ValidationError):
            local = None
        if local is not None and local.state != "running":
            return local
        run = self._from_metadata(run_id) or local
        if run is None and file.exists():
            raise errors.ConfigError(f"{file}: not a run.json of this version")
        if run is None:
            raise errors.ConfigError(f"run {run_id}: none of its nodes has started")
        return run

    def _from_metadata(self, run_id: str) -> Run | None:
        records = self.history.records(run_id) if self.history else {}
        if not records:
            return None
        first = min(records.values(), key=lambda r: r.execution_id)
        last_end = max(r.started + r.seconds for r in records.values())
        return summarise(
            run_id,
            self.layout.name,
            records,
            {},
            records,
            started=timestamp(first.started),
            seconds=last_end - first.started,
        )

    def list(self) -> list[Run]:
        """All runs, oldest first. A warning names a run that cannot be read; it is left out."""
        return [*self._readable(self.ids())]


def _pushed_destination(artifact: pb.Artifact) -> str:
    from tfx_pipeline.metadata import node_record

    return str(node_record.properties(artifact).get("pushed_destination", ""))


def _version(destination: str) -> str:
    return destination.rstrip("/").rpartition("/")[2]


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


def open_runs(config: PipelineConfig) -> Runs:
    """Opens the runs of the configured pipeline; creates no database if there is none.

    Raises:
      PipelineError: ML Metadata cannot be opened.
    """
    from tfx_pipeline.metadata import database  # imports ML Metadata
    from tfx_pipeline.metadata.history import History

    layout = Layout(config.root, config.name)
    if config.metadata == SQLITE and not layout.metadata_db.exists():
        return Runs(layout, None)
    connection = database.connection_config(config.metadata, layout.metadata_db)
    return Runs(layout, History(database.open_store(connection), config.name))
