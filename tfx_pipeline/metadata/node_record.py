"""How one node ended, read from its execution and artifacts in ML Metadata.

Only ML Metadata's protos are imported here. The names of types and properties are TFX's.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from tfx_pipeline import errors

REFUSED_CODE = 103
"""The code of an execution result of a gate that refused (see components/common)."""

CONFIG_CODE = 102
"""The code of an execution result of a node that found several problems of the configuration."""

COMPLETE, CACHED, FAILED, CANCELED, RUNNING = "complete", "cached", "failed", "canceled", "running"
SKIPPED = "skipped"

SKIP_REASON = "skip_reason"
"""The custom property of a node that did not run because of a condition; ML Metadata has no
state for it, so its execution is CANCELED."""

_STATES = {
    pb.Execution.COMPLETE: COMPLETE,
    pb.Execution.CACHED: CACHED,
    pb.Execution.FAILED: FAILED,
    pb.Execution.CANCELED: CANCELED,
}
EXECUTION_RESULT = "__execution_result__"


@dataclasses.dataclass(frozen=True)
class Output:
    """One artifact that a node produced or found.

    Attributes:
      resolved: whether a resolver found it among the artifacts of earlier runs.
    """

    key: str
    id: int
    type: str
    uri: str
    properties: dict[str, str | int | float]
    resolved: bool = False


@dataclasses.dataclass(frozen=True)
class NodeRecord:
    """How one node ended in one run, according to ML Metadata.

    Attributes:
      state: complete, cached, failed, skipped, canceled or running.
      started: Unix seconds of its registration.
      seconds: wall time from registration to the last change.
      error: one line with the reason why it failed or refused; None if it succeeded.
      refused: whether a gate refused (exit code 3).
      findings: the rows of a refusal, of a wrong configuration, or of a note.
      note: a message of a node that succeeded.
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
        """Whether the node succeeded, was taken from the cache or was skipped by a condition."""
        return self.state in (COMPLETE, CACHED, SKIPPED)

    @property
    def ended(self) -> bool:
        """Whether the node has ended in any way."""
        return self.state != RUNNING

    @property
    def exit_code(self) -> int:
        """The exit code of the node command."""
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
        """The value of the first output that has a property of that name."""
        return next((o.properties[name] for o in self.outputs if name in o.properties), None)


def record(node: str, execution: pb.Execution, outputs: tuple[Output, ...]) -> NodeRecord:
    """How the node ended in this execution."""
    state = _STATES.get(execution.last_known_state, RUNNING)
    note: str | None = None
    error: str | None = None
    refused, findings = False, tuple[errors.Finding, ...]()
    if state == CANCELED and SKIP_REASON in execution.custom_properties:
        state, note = SKIPPED, execution.custom_properties[SKIP_REASON].string_value
    elif state == FAILED:
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


def output(event: pb.Event, artifact: pb.Artifact) -> Output:
    """The artifact of an event, as plain values."""
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
    if result.get("code") == CONFIG_CODE:
        wrong = json.loads(message)
        return wrong["message"], False, _findings(wrong["findings"])
    return last_line(message) or "failed without a message; see the log", False, ()


def _note(execution: pb.Execution) -> tuple[str | None, tuple[errors.Finding, ...]]:
    """The note of an executor that succeeded. An error is from an earlier, failed attempt."""
    result = _result(execution)
    if result.get("code") or not result.get("resultMessage"):
        return None, ()
    try:
        note = json.loads(result["resultMessage"])
        return note["message"], _findings(note["findings"])
    except (ValueError, TypeError, KeyError):  # another executor's text
        return result["resultMessage"], ()


def _result(execution: pb.Execution) -> dict[str, Any]:
    raw = execution.custom_properties[EXECUTION_RESULT].string_value
    return json.loads(raw) if raw else {}


def message_to_json(message: str, findings: Iterable[errors.Finding]) -> str:
    """The message of an execution result when a gate refuses or leaves a note."""
    rows = [dataclasses.asdict(finding) for finding in findings]
    return json.dumps({"message": message, "findings": rows})


def last_line(traceback: str) -> str:
    """The exception in the last line of a traceback, without its module path."""
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
