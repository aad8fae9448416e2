"""One run as it is now: nodes that run and nodes that wait are told apart."""

from __future__ import annotations

import codecs
import dataclasses
import datetime
import json
import time
from collections.abc import Mapping
from typing import Any

from tfx_pipeline import errors
from tfx_pipeline.ir import manifest as manifest_lib
from tfx_pipeline.metadata.run_record import NodeRun, Run, timestamp
from tfx_pipeline.report import run_facts
from tfx_pipeline.report.run_facts import NodeFacts, RunFacts
from tfx_pipeline.report.ui.store import Source, is_run_folder
from tfx_pipeline.storage import file_lock
from tfx_pipeline.storage.layout import CompiledLayout, RunLayout

RUNNING, STARTING, WAITING, STOPPED = "running", "starting", "waiting", "stopped"
LIVE = (RUNNING, STARTING)
_LOG_PIECE = 64 * 1024


def is_executed(files: RunLayout) -> bool:
    """Whether a process on this machine executes the run: it then holds the lock."""
    return file_lock.is_held(files.lock) or file_lock.is_held(files.start_log)


def current_state(source: Source, run_id: str, state: str) -> str:
    """The state of a run that says it is running: `running`, or `stopped` if its process is gone.

    A run of another machine has no folder here, so its record is all there is.
    """
    files = source.layout.run(run_id)
    if is_executed(files):
        return RUNNING
    return STOPPED if state == RUNNING and files.lock.exists() else state


def read(source: Source, run_id: str) -> RunFacts:
    """A run and its nodes, whose states may also be `waiting`, and the run's `stopped`.

    Raises:
      ConfigError: there is no such run.
    """
    files = source.layout.run(run_id)
    try:
        facts = run_facts.read(source.runs, run_id, source.layout)
    except errors.ConfigError:
        if not is_run_folder(run_id) or not files.folder.is_dir():
            raise
        facts = _not_started(source, run_id)
    local = _run_json(files)
    state = current_state(source, run_id, facts.run.state)
    if state == facts.run.state and state not in LIVE:
        return facts
    if state == facts.run.state == STARTING and not is_executed(files):
        state = STOPPED
    nodes = tuple(_now(node, local, facts.starts, state) for node in facts.nodes)
    run = facts.run.model_copy(update={"state": state, "seconds": seconds(facts.run, state)})
    return dataclasses.replace(facts, run=run, nodes=nodes)


def _not_started(source: Source, run_id: str) -> RunFacts:
    """A run of which nothing is known but its folder: it is being compiled, or damaged."""
    files = source.layout.run(run_id)
    compiled = CompiledLayout(files.folder).manifest
    manifest = manifest_lib.read(compiled) if compiled.exists() else None
    started = files.folder.stat().st_ctime if files.folder.exists() else time.time()
    run = Run(run_id=run_id, pipeline=source.name, state="running", started=timestamp(started))
    waiting = NodeRun(state="skipped")
    nodes = (
        [NodeFacts(n.id, n.type, n.upstream, waiting, {}) for n in manifest.nodes]
        if manifest
        else []
    )
    state = STARTING if not files.run_json.exists() else STOPPED
    return RunFacts(run.model_copy(update={"state": state}), "", tuple(nodes), ())


def _run_json(files: RunLayout) -> Mapping[str, Any]:
    """The nodes in run.json, whatever version wrote it."""
    try:
        nodes = json.loads(files.run_json.read_bytes())["nodes"]
        return nodes if isinstance(nodes, dict) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _now(
    node: NodeFacts, local: Mapping[str, Any], starts: Mapping[str, float], state: str
) -> NodeFacts:
    update: dict[str, Any] = {}
    if node.run.state == "running" and state == RUNNING and node.id in starts:
        update["seconds"] = round(max(time.time() - starts[node.id], 0), 1)
    elif node.run.state == "running" and state == STOPPED:
        update["state"] = STOPPED
    elif node.run.state == "skipped" and node.id not in starts:
        update |= {"state": WAITING if state in LIVE else "skipped", "note": None}
    of_file = local.get(node.id)
    if isinstance(of_file, dict) and of_file.get("reason"):
        update["reason"] = str(of_file["reason"])
    return dataclasses.replace(node, run=node.run.model_copy(update=update))


def seconds(run: Run, state: str) -> float:
    """How long a run took, or has taken until now."""
    if state not in LIVE or not run.started:
        return run.seconds
    try:
        started = datetime.datetime.fromisoformat(run.started.replace("Z", "+00:00"))
    except ValueError:
        return run.seconds
    now = datetime.datetime.now(datetime.timezone.utc)
    return max(round((now - started).total_seconds()), 0)


def logs(files: RunLayout) -> list[str]:
    """The nodes that have a log on this machine."""
    try:
        return sorted(file.stem for file in files.logs.iterdir() if file.suffix == ".log")
    except FileNotFoundError:
        return []


def log_piece(files: RunLayout, node: str, start: int | None) -> dict[str, Any]:
    """What a log has from a position on: `text`, and `next`, the position to ask from later.

    Args:
      start: bytes from its beginning; None for its end, at most 64 KiB.

    Raises:
      ConfigError: there is no such log.
    """
    if node not in logs(files):
        raise errors.ConfigError(errors.Problem(node, "there is no such log on this machine"))
    with files.log(node).open("rb") as log:
        size = log.seek(0, 2)
        is_new = start is None or start > size  # the file has been written anew
        begin = max(size - _LOG_PIECE, 0) if is_new or start is None else start
        log.seek(begin)
        content = log.read(_LOG_PIECE)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(content)
    rest = len(decoder.getstate()[0])  # a character that is written half
    cut = begin > 0 and is_new
    return {"text": text, "next": begin + len(content) - rest, "anew": is_new, "cut": cut}


def log_to_follow(facts: RunFacts, names: list[str]) -> str:
    """The log to show: of what runs, of what failed, or of what ended last; empty if none."""
    by_state: dict[str, list[str]] = {}
    for node in facts.nodes:
        if node.id in names:
            by_state.setdefault(node.run.state, []).append(node.id)
    for state in (RUNNING, STOPPED, "failed", "canceled", "complete", "cached"):
        if state in by_state:
            return by_state[state][-1]
    return names[-1] if names else ""  # of the run itself, if this page has started it
