"""Runs a compiled pipeline's nodes on this machine, independent nodes in parallel."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from tfx_pipeline import errors
from tfx_pipeline.execution import process_supervisor
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.metadata import run_record
from tfx_pipeline.orchestrators.fork_client import Reply, Worker, last_line
from tfx_pipeline.orchestrators.local import training_logs
from tfx_pipeline.orchestrators.local.dag_scheduler import Schedule
from tfx_pipeline.storage.atomic_write import write_atomically
from tfx_pipeline.storage.layout import CompiledLayout, RunLayout

if TYPE_CHECKING:
    from tfx_pipeline.metadata.history import History

_LITTLE_SPACE = 1 << 20  # bytes; about what ML Metadata needs for a transaction


class Observer(Protocol):
    """Receives the events of a run."""

    def run_started(self, nodes: tuple[str, ...]) -> None:
        """The run starts; `nodes` will run, in this order."""

    def node_started(self, node: str, log: pathlib.Path) -> None:
        """A node has been started; `log` is its log."""

    def node_ended(self, node: str, result: run_record.NodeRun) -> None:
        """A node has ended."""

    def tick(self) -> None:
        """Time has passed."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to execute, and where to write its files.

    Attributes:
      excluded: nodes that this run skips, or has finished.
      details: what ML Metadata does not store about nodes that have ended already.
      jobs: how many nodes may run at the same time.
      cache: whether results of earlier runs may be used.
      started: Unix seconds of the command's start.
    """

    run_id: str
    manifest: Manifest
    compiled: CompiledLayout
    files: RunLayout
    history: History
    excluded: frozenset[str] = frozenset()
    details: Mapping[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    jobs: int = 2
    cache: bool = True
    started: float = dataclasses.field(default_factory=time.time)


class Execution:
    """One run in progress."""

    def __init__(self, plan: Plan, worker: Worker, observer: Observer) -> None:
        self._plan = plan
        self._worker = worker
        self._observer = observer
        upstream = {node.id: node.upstream for node in plan.manifest.nodes}
        self._schedule = Schedule(upstream, plan.excluded)
        self._start_times: dict[str, float] = {}
        self._jobs: dict[str, str] = {}  # nodes by job id
        self._details = {**plan.details}
        self._without_record = {
            node: run_record.NodeRun(state="skipped") for node in plan.manifest.node_ids
        }

    def run(self) -> run_record.Run:
        """Executes nodes until no more can be started, and writes run.json.

        Raises:
          Interrupted: by a signal. The running nodes were canceled, and run.json written.
        """
        self._observer.run_started(self._schedule.never_started)
        self._write()
        with process_supervisor.signals_raise():
            try:
                self._loop()
            except errors.Interrupted as interrupt:
                with process_supervisor.signals_ignored():
                    self._cancel()
                remedy = f"Continue it with --resume {self._plan.run_id}"
                raise errors.Interrupted(interrupt.signum, remedy) from None
        return self._write(ended=True)

    def _loop(self) -> None:
        while True:
            free = self._plan.jobs - len(self._jobs)
            for node in self._schedule.ready()[:free]:
                self._start(node)
            if not self._jobs:
                return
            for reply in self._worker.poll(0.25):
                self._end(reply)
            self._observer.tick()

    def _start(self, node: str) -> None:
        log = self._plan.files.log(node)
        request = {
            "pipeline": str(self._plan.compiled.ir),
            "node": node,
            "run_id": self._plan.run_id,
            "cache": self._plan.cache,
        }
        self._schedule.start(node)
        self._start_times[node] = time.monotonic()
        self._jobs[self._worker.submit("node", log, request=request)] = node
        self._without_record[node] = run_record.NodeRun(state="running", log=str(log))
        self._observer.node_started(node, log)

    def _end(self, reply: Reply) -> None:
        """Records how a node ended: by its exit code, even if ML Metadata contains a success."""
        from tfx_pipeline.execution import cache_key  # imports the protos of TFX

        node = self._jobs.pop(reply.id)
        log = self._plan.files.log(node)
        record = self._plan.history.record(node, self._plan.run_id)
        details: dict[str, Any] = {
            "seconds": round(time.monotonic() - self._start_times[node], 1),
            "log": str(log),
            "cpu_seconds": reply.cpu_seconds,
            "peak_memory_mb": reply.max_rss_mb,
        }
        if record is None or not record.ended or (reply.exit != 0 and record.exit_code == 0):
            error = reply.message or last_line(log) or _unexplained_end(reply.exit, log)
            details |= {"state": "failed", "error": error}
        elif record.error is None:
            details["reason"] = cache_key.why_executed(self._plan.history, node, record)
        if record is not None:
            training_logs.link(record, node, self._plan.files.tensorboard)
        self._details[node] = details
        self._without_record[node] = run_record.NodeRun(**{"state": "failed", **details})
        self._schedule.finish(node, reply.exit == 0)
        run = self._write()
        self._observer.node_ended(node, run.nodes[node])

    def _cancel(self) -> None:
        self._worker.cancel()
        deadline = time.monotonic() + 2 * process_supervisor.GRACE_SECONDS
        while self._jobs and time.monotonic() < deadline:
            for reply in self._worker.poll(0.25):
                node = self._jobs.pop(reply.id)
                self._details[node] = {"state": "canceled", "log": str(self._plan.files.log(node))}
                self._without_record[node] = run_record.NodeRun(**self._details[node])
        self._write(ended=True)

    def _write(self, ended: bool = False) -> run_record.Run:
        run = run_record.summarise(
            self._plan.run_id,
            self._plan.manifest.pipeline,
            self._plan.history.records(self._plan.run_id),
            self._without_record,
            self._plan.manifest.node_ids,
            started=run_record.timestamp(self._plan.started),
            seconds=time.time() - self._plan.started,
            details=self._details,
        )
        if not ended:
            run = run.model_copy(update={"state": "running"})
        write_atomically(self._plan.files.run_json, run.to_json())
        return run


def _unexplained_end(code: int, log: pathlib.Path) -> str:
    """The error of a node that left neither a log nor a state in ML Metadata."""
    if shutil.disk_usage(log.parent).free < _LITTLE_SPACE:
        return f"No space left on the disk of {log.parent}. Free some and run again"
    return f"ended with {code}; see {log}"
