"""Shows the progress of a run: a live table in a terminal, otherwise one line for each event."""

from __future__ import annotations

import contextlib
import os
import pathlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tfx_pipeline.errors import Finding
from tfx_pipeline.metadata.run_record import NodeRun, Run, metric_text
from tfx_pipeline.orchestrators.local import node_log
from tfx_pipeline.terminal import findings_table

_STYLES = {
    "complete": "green",
    "cached": "cyan",
    "failed": "bold red",
    "canceled": "yellow",
    "running": "bold",
    "waiting": "dim",
    "skipped": "dim",
}


class PlainProgress:
    """One line when a node starts and one when it ends, for logs and pipes.

    A node that runs long has a line about its progress now and then.
    """

    def __init__(self, console: Console, pause: float = 20.0) -> None:
        self._console, self._pause = console, pause
        self._start = self._said = time.monotonic()
        self._logs: dict[str, pathlib.Path] = {}
        self._messages: dict[str, str] = {}

    def run_started(self, nodes: tuple[str, ...]) -> None:
        """Sets the width of the nodes' names."""
        self._width = max(map(len, nodes), default=0)

    def node_started(self, node: str, log: pathlib.Path) -> None:
        """Prints that a node has been started."""
        self._logs[node] = log
        self._line(node, Text("started", "dim"))

    def node_ended(self, node: str, result: NodeRun) -> None:
        """Prints how a node ended."""
        self._logs.pop(node, None)
        self._line(node, state_text(result.state), _seconds(result.seconds), Text(_why(result)))

    def tick(self) -> None:
        """Prints what running nodes say, if nothing was printed for a while."""
        if time.monotonic() - self._said < self._pause:
            return
        self._said = time.monotonic()
        for node, log in self._logs.items():
            message = node_log.newest_message(log)
            if message and message != self._messages.get(node):
                self._messages[node] = message
                self._line(node, Text("running", "dim"), Text(message))

    def _line(self, node: str, *cells: Text) -> None:
        self._said = time.monotonic()
        clock = Text(f"{time.monotonic() - self._start:6.1f} s  ", "dim")
        self._console.print(clock + Text(node.ljust(self._width + 2)) + Text("  ").join(cells))


class LiveProgress:
    """A table that is redrawn during the run."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._rows: dict[str, NodeRun | None] = {}
        self._start_times: dict[str, float] = {}
        self._logs: dict[str, pathlib.Path] = {}

    def run_started(self, nodes: tuple[str, ...]) -> None:
        """Shows all nodes as waiting."""
        self._rows = dict.fromkeys(nodes)
        self.tick()

    def node_started(self, node: str, log: pathlib.Path) -> None:
        """Shows a node as running, with what it says of its progress."""
        self._logs[node] = log
        self._start_times[node] = time.monotonic()
        self.tick()

    def node_ended(self, node: str, result: NodeRun) -> None:
        """Shows how a node ended."""
        self._rows[node] = result
        self.tick()

    def tick(self) -> None:
        """Redraws the table, with the seconds of the running nodes."""
        table = _table()
        for node, result in self._rows.items():
            table.add_row(node, *self._cells(node, result))
        self._live.update(table)

    def _cells(self, node: str, result: NodeRun | None) -> tuple[Text, Text, Text]:
        if result is not None:
            return state_text(result.state), _seconds(result.seconds), Text(_why(result))
        if node in self._start_times:
            seconds = time.monotonic() - self._start_times[node]
            message = node_log.newest_message(self._logs[node])
            return state_text("running"), _seconds(seconds), Text(message, "dim", no_wrap=True)
        return state_text("waiting"), Text(), Text()


@contextlib.contextmanager
def show_progress(console: Console) -> Iterator[PlainProgress | LiveProgress]:
    """The progress view that fits `console`."""
    if console.is_terminal:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            yield LiveProgress(live)
    else:
        yield PlainProgress(console)


def shown_path(uri: str) -> str:
    """A path as the user would type it: relative if it is below the working directory."""
    folder = f"{os.getcwd()}/"
    return uri[len(folder) :] if uri.startswith(folder) else uri


def print_run(console: Console, run: Run) -> None:
    """The closing table: every node, then metrics, blessing and the pushed model."""
    table = _table()
    for name, node in run.nodes.items():
        remark = _remark(node, run.state == "refused")
        table.add_row(name, state_text(node.state), _seconds(node.seconds), remark)
    console.print(table)
    for name, node in run.nodes.items():
        if node.findings:
            console.print(f"{name}: {node.error or node.note}")
            console.print(findings_table([Finding(**row) for row in node.findings]))
    console.print(f"Run {run.run_id}: {run.state} in {run.seconds:.1f} s")
    if run.metrics:
        values = ", ".join(metric_text(run, name) for name in run.metrics)
        console.print(f"Metrics on the test split: {values}")
    if run.blessed is not None:
        console.print("Model: " + ("blessed" if run.blessed else "not blessed"))
    if "Pusher" in run.nodes:
        pushed = shown_path(run.pushed_model) if run.pushed_model else "nothing"
        console.print(f"Pushed: {pushed}")


def _table() -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("node", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("")
    return table


def state_text(state: str) -> Text:
    """The state in its colour."""
    return Text(state, _STYLES.get(state, ""))


def _seconds(seconds: float) -> Text:
    return Text(f"{seconds:.1f}")


def _remark(node: NodeRun, refused: bool) -> Text:
    """The last column of the closing table: an error, a note, or the first output's path."""
    if node.error:
        below = "refused: see below" if refused else "see below"
        return Text(below if node.findings else _why(node))
    first_output = next((shown_path(uris[0]) for uris in node.outputs.values() if uris), "")
    return Text(node.note or first_output, "dim")


def _why(node: NodeRun) -> str:
    """Why a node failed, or why it was not cached."""
    if node.error:
        log = f" (log: {shown_path(node.log)})" if node.log and not node.findings else ""
        return node.error + log
    return node.reason or ""
