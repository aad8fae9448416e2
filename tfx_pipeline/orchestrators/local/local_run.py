"""Runs a compiled pipeline's nodes on this machine, those that can side by side."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import shutil
import time
from typing import TYPE_CHECKING, Protocol

from tfx_pipeline import errors
from tfx_pipeline.execution import process_supervisor
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.metadata import run_history
from tfx_pipeline.orchestrators.fork_client import Reply, Worker, last_line
from tfx_pipeline.orchestrators.local.dag_scheduler import Schedule
from tfx_pipeline.storage.atomic_write import write_atomically
from tfx_pipeline.storage.layout import CompiledLayout, RunLayout

if TYPE_CHECKING:
    from tfx_pipeline.metadata.history import History

_LITTLE_SPACE = 1 << 20  # bytes; ML Metadata needs about that for a transaction


class Observer(Protocol):
    """Is told how a run goes."""

    def begin(self, nodes: tuple[str, ...]) -> None:
        """The nodes that will run, in order."""

    def started(self, node: str) -> None:
        """A node has been started."""

    def ended(self, node: str, result: run_history.NodeRun) -> None:
        """A node has ended."""

    def tick(self) -> None:
        """Time has passed."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to execute, and where its files go.

    Attributes:
      excluded: nodes that this run leaves out.
      jobs: how many nodes may run at the same time.
      cache: whether results of earlier runs may stand in.
      began: Unix seconds when the command was given.
    """

    run_id: str
    manifest: Manifest
    compiled: CompiledLayout
    files: RunLayout
    history: History
    excluded: frozenset[str] = frozenset()
    jobs: int = 2
    cache: bool = True
    began: float = dataclasses.field(default_factory=time.time)


class Execution:
    """One run in progress."""

    def __init__(self, plan: Plan, worker: Worker, observer: Observer):
        self._plan = plan
        self._worker = worker
        self._observer = observer
        upstream = {node.id: node.upstream for node in plan.manifest.nodes}
        self._schedule = Schedule(upstream, plan.excluded)
        self._begun: dict[str, float] = {}
        self._jobs: dict[str, str] = {}
        self._details: dict[str, dict] = {}
        self._others = {
            node: run_history.NodeRun(state="skipped") for node in plan.manifest.node_ids
        }

    def run(self) -> run_history.Run:
        """Executes until nothing can be started any more, and writes run.json.

        An interrupt cancels the running nodes, records that, and is raised again.
        """
        self._observer.begin(self._schedule.never_started)
        self._write()
        with process_supervisor.signals_raise():
            try:
                self._loop()
            except errors.Interrupted as interrupt:
                with _signals_ignored():
                    self._cancel()
                remedy = f"Go on with it by --resume {self._plan.run_id}"
                raise errors.Interrupted(interrupt.signum, remedy) from None
        return self._write(ended=True)

    def _loop(self) -> None:
        self._start_ready()
        while self._jobs:
            for reply in self._worker.poll(0.25):
                self._ended(reply)
            self._start_ready()
            self._observer.tick()

    def _start_ready(self) -> None:
        for node in self._schedule.ready():
            if len(self._jobs) >= self._plan.jobs:
                return
            self._start(node)

    def _start(self, node: str) -> None:
        log = self._plan.files.log(node)
        request = {
            "pipeline": str(self._plan.compiled.ir),
            "node": node,
            "run_id": self._plan.run_id,
            "cache": self._plan.cache,
        }
        self._schedule.start(node)
        self._begun[node] = time.monotonic()
        self._jobs[self._worker.submit("node", log, request=request)] = node
        self._others[node] = run_history.NodeRun(state="running", log=str(log))
        self._observer.started(node)

    def _ended(self, reply: Reply) -> None:
        from tfx_pipeline.execution import cache_key  # imports the protos of TFX

        node = self._jobs.pop(reply.id)
        log = self._plan.files.log(node)
        record = self._plan.history.record(node, self._plan.run_id)
        seconds = round(time.monotonic() - self._begun[node], 1)
        self._details[node] = {
            "seconds": seconds,
            "log": str(log),
            "cpu_seconds": reply.cpu_seconds,
            "peak_memory_mb": reply.max_rss_mb,
        }
        if record is None or not record.ended or (reply.exit != 0 and record.exit_code == 0):
            error = reply.message or last_line(log) or _silent_death(reply.exit, log)
            self._details[node] |= {"state": "failed", "error": error}
        elif record.error is None:
            self._details[node]["reason"] = cache_key.why_executed(self._plan.history, node, record)
        self._others[node] = run_history.NodeRun(**{"state": "failed", **self._details[node]})
        self._schedule.finish(node, reply.exit == 0)
        run = self._write()
        self._observer.ended(node, run.nodes[node])

    def _cancel(self) -> None:
        self._worker.cancel()
        deadline = time.monotonic() + 2 * process_supervisor.GRACE_SECONDS
        while self._jobs and time.monotonic() < deadline:
            for reply in self._worker.poll(0.25):
                node = self._jobs.pop(reply.id)
                self._details[node] = {"state": "canceled", "log": str(self._plan.files.log(node))}
                self._others[node] = run_history.NodeRun(**self._details[node])
        self._write(ended=True)

    def _write(self, ended: bool = False) -> run_history.Run:
        run = run_history.summarise(
            self._plan.run_id,
            self._plan.manifest.pipeline,
            self._plan.history.records(self._plan.run_id),
            self._others,
            self._plan.manifest.node_ids,
            started=run_history.timestamp(self._plan.began),
            seconds=time.time() - self._plan.began,
            details=self._details,
        )
        if not ended:
            run = run.model_copy(update={"state": "running"})
        write_atomically(self._plan.files.run_json, run.to_json())
        return run


def _silent_death(code: int, log: pathlib.Path) -> str:
    """Why a node left neither a log nor a state in ML Metadata."""
    if shutil.disk_usage(log.parent).free < _LITTLE_SPACE:
        return f"No space left on the disk of {log.parent}. Free some and run again"
    return f"ended with {code}; see {log}"


@contextlib.contextmanager
def _signals_ignored():
    import signal

    before = {s: signal.signal(s, signal.SIG_IGN) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
