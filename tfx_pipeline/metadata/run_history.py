"""What ran: the runs of a pipeline, from ML Metadata and the local runner's run.json.

    runs = open_runs(load_config("pipeline.yaml"))
    runs.latest().metrics["auc"]
    runs.get("20261124-101500").nodes["Trainer"].outputs["model"]

ML Metadata is the truth; run.json adds what it does not keep: the log files,
the nodes that were left out, the run's wall time.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import pydantic

from tfx_pipeline import errors
from tfx_pipeline.config.models import Config, Section
from tfx_pipeline.storage.layout import Layout

if TYPE_CHECKING:
    from tfx_pipeline.metadata.history import History
    from tfx_pipeline.metadata.node_record import NodeRecord, Output

NodeState = Literal["complete", "cached", "failed", "skipped", "canceled", "running"]
_BLESSINGS = ("ModelBlessing", "InfraBlessing")

RunState = Literal["complete", "failed", "refused", "canceled", "running"]


class NodeRun(Section):
    """How one node ended in one run.

    Attributes:
      outputs: URIs by output key.
      error: one line that says why it failed or refused.
      findings: the rows behind a refusal or a note: subject, rule, found.
      note: what a node that ended well has to say.
      reason: why it was executed and not taken from the cache.
      log: the file that holds what it printed.
      cpu_seconds: CPU time of its process and the children of that.
      peak_memory_mb: its largest resident set, shared pages included.
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


class Run(Section):
    """One run of a pipeline; the content of run.json.

    Attributes:
      seconds: wall time.
      metrics: the Evaluator's overall metrics on the test split, by name.
      blessed: whether the model reached its thresholds and can be served; None when
        no gate looked at it.
      pushed_model: the folder of the pushed SavedModel; None when nothing was pushed.
    """

    run_id: str
    pipeline: str
    state: RunState
    started: str = ""
    seconds: float = 0.0
    nodes: dict[str, NodeRun] = {}
    metrics: dict[str, float] = {}
    blessed: bool | None = None
    pushed_model: str | None = None

    @property
    def exit_code(self) -> int:
        """What a command that made this run exits with."""
        return {
            "complete": errors.EXIT_OK,
            "refused": errors.EXIT_REFUSED,
            "canceled": errors.EXIT_INTERRUPTED,
        }.get(self.state, errors.EXIT_FAILED)

    def to_json(self) -> str:
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
    """Makes a run of what ML Metadata says of its nodes.

    Args:
      records: the nodes ML Metadata knows of.
      others: what is known of the nodes that it does not know of; where both
        know a node, ML Metadata counts.
      order: the pipeline's nodes, in order.
      details: values for fields of `NodeRun` that ML Metadata does not keep, by node.
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
        metrics=_metrics(outputs),
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


def _metrics(outputs: Iterable[Output]) -> dict[str, float]:
    for output in outputs:
        if output.type == "ModelEvaluation" and "metrics" in output.properties:
            return json.loads(str(output.properties["metrics"]))
    return {}


def _blessed(outputs: Iterable[Output]) -> bool | None:
    """Either gate can say no; a yes takes the Evaluator, which may have been left out."""
    said = [o for o in outputs if o.type in _BLESSINGS and "blessed" in o.properties]
    if any(output.properties["blessed"] != 1 for output in said):
        return False
    return True if any(output.type == "ModelBlessing" for output in said) else None


def _pushed_model(outputs: Iterable[Output]) -> str | None:
    for output in outputs:
        if output.type == "PushedModel" and output.properties.get("pushed") == 1:
            return str(output.properties["pushed_destination"])
    return None


class Runs:
    """The runs of one pipeline, oldest first."""

    def __init__(self, layout: Layout, history: History | None):
        self._layout = layout
        self._history = history

    def ids(self) -> list[str]:
        """The runs' ids, oldest first."""
        known = self._history.run_ids() if self._history else []
        only_here = [i for i in self._local_ids() if i not in known]
        return [*known, *only_here]

    def _local_ids(self) -> list[str]:
        files = sorted(self._layout.runs.glob("*/run.json"), key=lambda f: f.stat().st_mtime)
        return [file.parent.name for file in files]

    def list(self) -> list[Run]:
        """All runs, oldest first."""
        return [self.get(run_id) for run_id in self.ids()]

    def latest(self) -> Run:
        """The newest run.

        Raises:
          ConfigError: there is none.
        """
        ids = self.ids()
        if not ids:
            raise errors.ConfigError(
                f"pipeline {self._layout.name!r} has no runs below {self._layout.root}. "
                "Start one: tfx-pipeline run"
            )
        return self.get(ids[-1])

    def get(self, run_id: str) -> Run:
        """The run with that id, or whose id starts so.

        Raises:
          ConfigError: there is no such run, or several.
        """
        found = self._resolve(run_id)
        local = self._read_local(found)
        if local is not None and local.state != "running":
            return local
        return self._from_metadata(found) or local

    def _resolve(self, run_id: str) -> str:
        ids = self.ids()
        matches = [i for i in ids if i == run_id] or [i for i in ids if i.startswith(run_id)]
        if len(matches) == 1:
            return matches[0]
        hint = "It fits several." if matches else errors.did_you_mean(run_id, ids)
        raise errors.ConfigError(
            errors.Problem(run_id, f"is no run of pipeline {self._layout.name!r}", hint)
        )

    def _read_local(self, run_id: str) -> Run | None:
        try:
            return Run.model_validate_json(self._layout.run(run_id).run_json.read_bytes())
        except (OSError, pydantic.ValidationError):
            return None

    def _from_metadata(self, run_id: str) -> Run | None:
        records = self._history.records(run_id) if self._history else {}
        if not records:
            return None
        first = min(records.values(), key=lambda r: r.execution_id)
        last_end = max(r.started + r.seconds for r in records.values())
        return summarise(
            run_id,
            self._layout.name,
            records,
            {},
            records,
            started=timestamp(first.started),
            seconds=last_end - first.started,
        )


def timestamp(seconds: float) -> str:
    """Unix seconds as ISO 8601 in UTC, to the second."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def open_runs(config: Config) -> Runs:
    """Opens the runs of the configured pipeline; makes no database where there is none.

    Raises:
      PipelineError: ML Metadata cannot be opened.
    """
    from tfx_pipeline.metadata import database  # imports ML Metadata
    from tfx_pipeline.metadata.history import History

    layout = Layout(config.root, config.name)
    if config.metadata == "sqlite" and not layout.metadata_db.exists():
        return Runs(layout, None)
    connection = database.connection_config(config.metadata, layout.metadata_db)
    return Runs(layout, History(database.open_store(connection), config.name))
