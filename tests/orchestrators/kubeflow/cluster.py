"""Runs the steps of a written Kubeflow pipeline on this machine, as a cluster would.

It stands in for Kubeflow's backend: takes the tasks in the DAG's order, side by side
where the DAG allows, fills in placeholders as the driver does, takes secrets from a
store, and retries as the retry policy says. The commands themselves are the real ones.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

Document = dict[str, Any]
_INPUT = re.compile(r"\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}")
_OUTPUT = re.compile(r"\{\{\$\.outputs\.artifacts\['([^']+)'\]\.path\}\}")


@dataclasses.dataclass
class Attempt:
    """One try of one task."""

    task: str
    process: subprocess.Popen
    log: pathlib.Path
    started: float
    ended: float = 0.0
    code: int | None = None

    def kill(self) -> None:
        """Ends the step's processes as the kernel does when memory is short."""
        children = _descendants(self.process.pid)
        for pid in [self.process.pid, *children]:
            os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    children = [int(child) for child in text.split()]
    return children + [below for child in children for below in _descendants(child)]


@dataclasses.dataclass
class Cluster:
    """A pipeline and what its steps see.

    Attributes:
      folder: the working directory of the steps, as of their image.
      secrets: key and value by the secret's name.
      logs: where what they print goes.
    """

    spec: Document
    platform: Document
    folder: pathlib.Path
    secrets: dict[str, dict[str, str]]
    logs: pathlib.Path
    jobs: int = 2

    @property
    def tasks(self) -> Document:
        """The tasks of the nodes, and the one that runs after them."""
        root = self.spec["root"]["dag"]["tasks"]
        inner = self.spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]
        last = {n: {**t, "dependentTasks": []} for n, t in root.items() if n != "exit-handler-1"}
        return {**inner, **last}

    @property
    def last(self) -> set[str]:
        """The tasks that run when all others have ended, also if these failed."""
        return {n for n, t in self.tasks.items() if "strategy" in t.get("triggerPolicy", {})}

    def run(
        self,
        run_id: str,
        parameters: Document | None = None,
        only: set[str] | None = None,
        watch: Callable[[Attempt], None] = lambda attempt: None,
    ) -> list[Attempt]:
        """Runs all tasks, or `only` some; returns every attempt, in the order of their ends.

        `watch` is called with each attempt that is running, again and again.
        """
        chosen = set(self.tasks) if only is None else only
        nodes = self._run(chosen - self.last, run_id, parameters or {}, watch)
        return nodes + self._run(chosen & self.last, run_id, {}, watch)

    def _run(
        self, chosen: set[str], run_id: str, parameters: Document, watch: Callable[[Attempt], None]
    ) -> list[Attempt]:
        waiting = {n: t for n, t in self.tasks.items() if n in chosen}
        running: list[Attempt] = []
        done: list[Attempt] = []
        while waiting or running:
            passed = {attempt.task for attempt in done if attempt.code == 0}
            for name in self._ready(waiting, chosen - passed, self.jobs - len(running)):
                running.append(self._start(name, run_id, parameters))
                del waiting[name]
            if not running:
                break  # the rest waits for what failed
            time.sleep(0.05)
            for attempt in running:
                watch(attempt)
            ended = [a for a in running if a.process.poll() is not None]
            for attempt in ended:
                attempt.code, attempt.ended = attempt.process.returncode, time.monotonic()
                running.remove(attempt)
                done.append(attempt)
                if attempt.code and self._may_retry(attempt.task, done):
                    waiting[attempt.task] = self.tasks[attempt.task]
        return done

    def _ready(self, waiting: Document, missing: set[str], room: int) -> list[str]:
        ready = [n for n, t in waiting.items() if not missing & set(t.get("dependentTasks", []))]
        return ready[: max(room, 0)]

    def _may_retry(self, task: str, done: list[Attempt]) -> bool:
        most = self.tasks[task].get("retryPolicy", {}).get("maxRetryCount", 0)
        return sum(attempt.task == task for attempt in done) <= most

    def _start(self, name: str, run_id: str, parameters: Document) -> Attempt:
        log = self.logs / f"{run_id}-{name}-{time.monotonic_ns()}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                self.command(name, run_id, parameters),
                cwd=self.folder,
                env=self._environment(name),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        return Attempt(name, process, log, time.monotonic())

    def command(self, name: str, run_id: str, parameters: Document) -> list[str]:
        """The command of a task's container, with its placeholders filled in."""
        inputs = self._inputs(self.tasks[name], run_id, parameters)
        container = self._container(name)
        parts = [*container["command"], *container["args"]]
        filled = [_INPUT.sub(lambda match: _text(inputs[match[1]]), part) for part in parts]
        filled = [_OUTPUT.sub(lambda m: self.output(run_id, m[1]), part) for part in filled]
        assert not any("{{" in part for part in filled), filled
        return filled

    def output(self, run_id: str, name: str) -> str:
        """The file of an output artifact."""
        return str(self.logs / f"{run_id}-outputs" / name)

    def _inputs(self, task: Document, run_id: str, parameters: Document) -> Document:
        declared = self.spec["root"]["inputDefinitions"]["parameters"]
        values = {name: p.get("defaultValue") for name, p in declared.items()} | parameters
        result = {}
        for name, source in task["inputs"]["parameters"].items():
            if "componentInputParameter" in source:
                outer = source["componentInputParameter"].removeprefix("pipelinechannel--")
                result[name] = values[outer]
            else:
                constant = source["runtimeValue"]["constant"]
                result[name] = run_id if constant == "{{$.pipeline_job_uuid}}" else constant
        return result

    def _container(self, name: str) -> Document:
        component = self.spec["components"][self.tasks[name]["componentRef"]["name"]]
        return self.spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]

    def _environment(self, name: str) -> dict[str, str]:
        """What a container of the image would have: nothing of this process' own."""
        label = self.spec["components"][f"comp-{name}"]["executorLabel"]
        kubernetes = self.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        held = {v["name"]: v["value"] for v in self._container(name).get("env", [])}
        for secret in kubernetes.get(label, {}).get("secretAsEnv", []):
            for pair in secret["keyToEnv"]:
                held[pair["envVar"]] = self.secrets[secret["secretName"]][pair["secretKey"]]
        binaries = os.path.dirname(sys.executable)
        return {"PATH": f"{binaries}:/usr/bin:/bin", "HOME": str(self.folder), **held}


def _text(value: Any) -> str:
    """A parameter as Kubeflow writes it into an argument: whole numbers without a point."""
    return f"{value:g}" if isinstance(value, float) else str(value)
