"""ML Metadata: connect, initialise, and read how a node ended.

Only `ml_metadata` is imported here, neither TensorFlow nor TFX, so that `runs`
and `show` answer at once. The names of types and properties are TFX's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

from tfx_pipeline import errors, mysql

PASSWORD_VARIABLE = "TFX_PIPELINE_METADATA_PASSWORD"
REFUSED_CODE = 103
"""The code of an execution result that says: a gate refused (see components/outcome.py)."""

RUN_CONTEXT, NODE_CONTEXT, PIPELINE_CONTEXT = "pipeline_run", "node", "pipeline"
COMPLETE, CACHED, FAILED, CANCELED, RUNNING = "complete", "cached", "failed", "canceled", "running"

_STATES = {
    pb.Execution.COMPLETE: COMPLETE,
    pb.Execution.CACHED: CACHED,
    pb.Execution.FAILED: FAILED,
    pb.Execution.CANCELED: CANCELED,
}
EXECUTION_RESULT = "__execution_result__"
_ATTEMPTS = 5


def connection_config(uri: str, sqlite_path: str | os.PathLike[str]) -> pb.ConnectionConfig:
    """The connection for `sqlite` or `mysql://USER@HOST[:PORT]/DATABASE`, without a password."""
    config = pb.ConnectionConfig()
    if uri == "sqlite":
        config.sqlite.filename_uri = str(sqlite_path)
        config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        return config
    user, host, port, database = re.fullmatch(
        r"mysql://([^@]+)@([^/:]+)(?::(\d+))?/(\w+)", uri
    ).groups()
    config.mysql.user, config.mysql.host, config.mysql.database = user, host, database
    config.mysql.port = int(port or 3306)
    return config


def with_password(config: pb.ConnectionConfig) -> pb.ConnectionConfig:
    """A copy of `config` with MySQL's password from the environment."""
    result = pb.ConnectionConfig()
    result.CopyFrom(config)
    if result.HasField("mysql") and PASSWORD_VARIABLE in os.environ:
        result.mysql.password = os.environ[PASSWORD_VARIABLE]
    return result


def open_store(config: pb.ConnectionConfig) -> ml_metadata.MetadataStore:
    """Connects; makes the database's schema where there is none, one process at a time.

    Raises:
      PipelineError: the database cannot be reached or opened.
    """
    config = with_password(config)
    with _schema_lock(config):
        for attempt in range(_ATTEMPTS):
            try:
                return ml_metadata.MetadataStore(config)
            except (RuntimeError, ml_metadata.errors.StatusError) as error:
                if attempt == _ATTEMPTS - 1:
                    raise errors.PipelineError(_cannot_open(config, error)) from error
                time.sleep(0.1 * 2**attempt)
    raise AssertionError("unreachable")


def _cannot_open(config: pb.ConnectionConfig, error: Exception) -> str:
    if config.HasField("mysql"):
        where = f"MySQL database {config.mysql.database} at {config.mysql.host}:{config.mysql.port}"
        remedy = f"Check host, user and the password in {PASSWORD_VARIABLE}"
    else:
        where = f"SQLite file {config.sqlite.filename_uri}"
        remedy = "Check that it is a database and that its folder can be written"
    reason = str(error).strip().splitlines()[0]
    return f"ML Metadata cannot be opened: {where}: {reason}. {remedy}."


@contextlib.contextmanager
def _schema_lock(config: pb.ConnectionConfig) -> Iterator[None]:
    # Creating the schema in two processes at once fails (measured: 3 of 6 on SQLite).
    if config.HasField("mysql"):
        with mysql.lock(config.mysql):
            yield
        return
    path = pathlib.Path(config.sqlite.filename_uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{path}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclasses.dataclass(frozen=True)
class Output:
    """One artifact a node made, or found.

    Attributes:
      resolved: whether a resolver found it among what earlier runs had made.
    """

    key: str
    id: int
    type: str
    uri: str
    properties: dict[str, str | int | float]
    resolved: bool = False


@dataclasses.dataclass(frozen=True)
class NodeRecord:
    """How one node ended in one run, as ML Metadata has it.

    Attributes:
      state: complete, cached, failed, canceled or running.
      started: Unix seconds of its registration.
      seconds: wall time from registration to the last change.
      error: one line that says why it failed or refused; None when all is well.
      refused: whether a gate said no (exit code 3).
      findings: the rows behind a refusal or a note.
      note: what a node that ended well has to say.
    """

    node: str
    state: str
    execution_id: int
    started: float
    seconds: float
    outputs: tuple[Output, ...] = ()
    error: str | None = None
    refused: bool = False
    findings: tuple[errors.Finding, ...] = ()
    note: str | None = None

    @property
    def ended_well(self) -> bool:
        return self.state in (COMPLETE, CACHED)

    @property
    def ended(self) -> bool:
        return self.state != RUNNING

    @property
    def exit_code(self) -> int:
        if self.refused:
            return errors.EXIT_REFUSED
        return errors.EXIT_OK if self.ended_well else errors.EXIT_FAILED

    def uris(self) -> dict[str, list[str]]:
        """URIs by output key, in the order of the keys."""
        result: dict[str, list[str]] = {}
        for output in sorted(self.outputs, key=lambda output: (output.key, output.id)):
            result.setdefault(output.key, []).append(output.uri)
        return result

    def property(self, name: str) -> str | int | float | None:
        """The first output's property of that name."""
        return next((o.properties[name] for o in self.outputs if name in o.properties), None)


class History:
    """What one pipeline's ML Metadata says about its runs."""

    def __init__(self, store: ml_metadata.MetadataStore, pipeline: str):
        self.store = store
        self.pipeline = pipeline

    def run_ids(self) -> list[str]:
        """The ids of this pipeline's runs, oldest first."""
        try:
            parent = self.store.get_context_by_type_and_name(PIPELINE_CONTEXT, self.pipeline)
            runs = self.store.get_contexts_by_type(RUN_CONTEXT)
        except ml_metadata.errors.NotFoundError:
            return []
        if parent is None:
            return []
        nodes_prefix = f"{self.pipeline}."
        mine = [run for run in runs if self._belongs(run, nodes_prefix)]
        return [run.name for run in sorted(mine, key=lambda run: run.id)]

    def _belongs(self, run: pb.Context, nodes_prefix: str) -> bool:
        executions = self.store.get_executions_by_context(run.id)
        if not executions:
            return False
        contexts = self.store.get_contexts_by_execution(executions[0].id)
        return any(context.name.startswith(nodes_prefix) for context in contexts)

    def executions(self, node: str, run_id: str | None = None) -> list[pb.Execution]:
        """The node's executions, oldest first; of one run when `run_id` is given."""
        context = self._context(NODE_CONTEXT, f"{self.pipeline}.{node}")
        if context is None:
            return []
        executions = self.store.get_executions_by_context(context.id)
        if run_id is not None:
            run = self._context(RUN_CONTEXT, run_id)
            if run is None:
                return []
            in_run = {e.id for e in self.store.get_executions_by_context(run.id)}
            executions = [e for e in executions if e.id in in_run]
        return sorted(executions, key=lambda e: e.id)

    def _context(self, type_name: str, name: str) -> pb.Context | None:
        try:
            return self.store.get_context_by_type_and_name(type_name, name)
        except ml_metadata.errors.NotFoundError:
            return None

    def record(self, node: str, run_id: str) -> NodeRecord | None:
        """How `node` ended in `run_id`; None when it did not run."""
        executions = self.executions(node, run_id)
        return self._record(node, executions[-1]) if executions else None

    def records(self, run_id: str) -> dict[str, NodeRecord]:
        """All nodes that ran in `run_id`, in the order in which they started."""
        run = self._context(RUN_CONTEXT, run_id)
        result: dict[str, NodeRecord] = {}
        if run is None:
            return result
        executions = self.store.get_executions_by_context(run.id)
        for execution in sorted(executions, key=lambda e: e.id):
            node = self._node_of(execution)
            if node is not None:
                result[node] = self._record(node, execution)
        return result

    def _node_of(self, execution: pb.Execution) -> str | None:
        prefix = f"{self.pipeline}."
        for context in self.store.get_contexts_by_execution(execution.id):
            if context.name.startswith(prefix):
                return context.name[len(prefix) :]
        return None

    def _record(self, node: str, execution: pb.Execution) -> NodeRecord:
        state = _STATES.get(execution.last_known_state, RUNNING)
        outputs = self.outputs(execution.id)
        note, error, refused, findings = None, None, False, ()
        if state == FAILED:
            error, refused, findings = _failure(execution)
        elif state in (COMPLETE, CACHED):
            error, refused, findings = _refusal(outputs)
            if not refused:
                note, findings = _note(execution)
        started = execution.create_time_since_epoch / 1000
        seconds = execution.last_update_time_since_epoch / 1000 - started
        return NodeRecord(
            node, state, execution.id, started, seconds, outputs, error, refused, findings, note
        )

    def outputs(self, execution_id: int) -> tuple[Output, ...]:
        """The artifacts an execution made (or took from the cache)."""
        events = [
            event
            for event in self.store.get_events_by_execution_ids([execution_id])
            if event.type in (pb.Event.OUTPUT, pb.Event.INTERNAL_OUTPUT)
        ]
        artifacts = {
            a.id: a for a in self.store.get_artifacts_by_id([e.artifact_id for e in events])
        }
        return tuple(
            _output(event, artifacts[event.artifact_id])
            for event in events
            if event.artifact_id in artifacts
        )

    def inputs(self, execution_id: int) -> dict[str, list[int]]:
        """Artifact ids by input key."""
        result: dict[str, list[int]] = {}
        for event in self.store.get_events_by_execution_ids([execution_id]):
            if event.type == pb.Event.INPUT and event.path.steps:
                result.setdefault(event.path.steps[0].key, []).append(event.artifact_id)
        return {key: sorted(ids) for key, ids in result.items()}

    def reopen(self, node: str, run_id: str) -> None:
        """Says RUNNING while a retry is on; TFX would go on saying FAILED."""
        for execution in self.executions(node, run_id):
            if execution.last_known_state in (pb.Execution.FAILED, pb.Execution.CANCELED):
                execution.last_known_state = pb.Execution.RUNNING
                self.store.put_executions([execution])

    def cancel(self, node: str, run_id: str) -> None:
        """Marks an execution that was interrupted; one that has ended stays as it is."""
        for execution in self.executions(node, run_id):
            if execution.last_known_state in (pb.Execution.RUNNING, pb.Execution.NEW):
                execution.last_known_state = pb.Execution.CANCELED
                self.store.put_executions([execution])


def _output(event: pb.Event, artifact: pb.Artifact) -> Output:
    key = event.path.steps[0].key if event.path.steps else ""
    resolved = event.type == pb.Event.INTERNAL_OUTPUT
    return Output(key, artifact.id, artifact.type, artifact.uri, properties(artifact), resolved)


def properties(message: pb.Artifact | pb.Execution) -> dict[str, str | int | float]:
    """Properties and custom properties as plain values."""
    pairs = [*message.properties.items(), *message.custom_properties.items()]
    return {k: getattr(v, v.WhichOneof("value")) for k, v in pairs if v.WhichOneof("value")}


def _failure(execution: pb.Execution) -> tuple[str, bool, tuple[errors.Finding, ...]]:
    result = _result(execution)
    message = result.get("resultMessage", "")
    if result.get("code") == REFUSED_CODE:
        refusal = json.loads(message)
        return refusal["message"], True, _findings(refusal["findings"])
    return last_line(message) or "failed without a message; see the log", False, ()


def _note(execution: pb.Execution) -> tuple[str | None, tuple[errors.Finding, ...]]:
    """What `outcome.noted_output` left; a retry of a failed execution may have left an error."""
    result = _result(execution)
    if result.get("code") or not result.get("resultMessage"):
        return None, ()
    try:
        said = json.loads(result["resultMessage"])
        return said["message"], _findings(said["findings"])
    except (ValueError, TypeError, KeyError):  # an executor of others, with a text of its own
        return result["resultMessage"], ()


def _result(execution: pb.Execution) -> dict[str, Any]:
    raw = execution.custom_properties[EXECUTION_RESULT].string_value
    return json.loads(raw) if raw else {}


def message_to_json(message: str, findings: Iterable[errors.Finding]) -> str:
    """What an execution result holds as its message when a gate refuses or takes a note."""
    rows = [dataclasses.asdict(finding) for finding in findings]
    return json.dumps({"message": message, "findings": rows})


def last_line(traceback: str) -> str:
    """The exception's own line of a traceback, without its module path."""
    lines = [line for line in traceback.strip().splitlines() if line.strip()]
    starts = [i for i, line in enumerate(lines) if re.match(r"[A-Za-z_][\w.]*(:|$)", line)]
    text = lines[starts[-1]] if starts else (lines[-1] if lines else "")
    return re.sub(r"^(?:\w+\.)+(?=\w+(:|$))", "", text).strip()


def _findings(rows: list[dict[str, str]]) -> tuple[errors.Finding, ...]:
    return tuple(errors.Finding(**row) for row in rows)


_GATES = {
    "ModelBlessing": ("blessed", "the model is not blessed: it missed its thresholds"),
    "InfraBlessing": ("blessed", "the export check refused the model: it cannot be served"),
    "PushedModel": ("pushed", "nothing was pushed: the model is not blessed"),
}


def _refusal(outputs: tuple[Output, ...]) -> tuple[str | None, bool, tuple[errors.Finding, ...]]:
    for output in outputs:
        flag, message = _GATES.get(output.type, (None, ""))
        if flag and output.properties.get(flag) == 0:
            rows = json.loads(str(output.properties.get("findings", "[]")))
            return message, True, _findings(rows)
    return None, False, ()
