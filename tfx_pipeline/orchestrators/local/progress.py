"""Shows how a run goes: a live table in a terminal, one line for each event elsewhere."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tfx_pipeline.errors import Finding
from tfx_pipeline.metadata.run_history import NodeRun, Run
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
    """One line when a node starts and one when it ends, for logs and pipes."""

    def __init__(self, console: Console):
        self._console = console
        self._begun = time.monotonic()

    def begin(self, nodes: tuple[str, ...]) -> None:
        self._width = max(map(len, nodes), default=0)

    def started(self, node: str) -> None:
        self._line(node, Text("started", "dim"))

    def ended(self, node: str, result: NodeRun) -> None:
        self._line(node, state_text(result.state), _seconds(result.seconds), Text(_why(result)))

    def tick(self) -> None:
        pass

    def _line(self, node: str, *cells: Text) -> None:
        clock = Text(f"{time.monotonic() - self._begun:6.1f} s  ", "dim")
        line = clock + Text(node.ljust(self._width + 2)) + Text("  ").join(cells)
        self._console.print(line, soft_wrap=True)


class LiveProgress:
    """A table that is drawn anew while the run goes on."""

    def __init__(self, live: Live):
        self._live = live
        self._rows: dict[str, NodeRun | None] = {}
        self._begun: dict[str, float] = {}

    def begin(self, nodes: tuple[str, ...]) -> None:
        self._rows = dict.fromkeys(nodes)
        self.tick()

    def started(self, node: str) -> None:
        self._begun[node] = time.monotonic()
        self.tick()

    def ended(self, node: str, result: NodeRun) -> None:
        self._rows[node] = result
        self.tick()

    def tick(self) -> None:
        table = _table()
        for node, result in self._rows.items():
            table.add_row(node, *self._cells(node, result))
        self._live.update(table)

    def _cells(self, node: str, result: NodeRun | None) -> tuple[Text, Text, Text]:
        if result is not None:
            return state_text(result.state), _seconds(result.seconds), Text(_why(result))
        if node in self._begun:
            return state_text("running"), _seconds(time.monotonic() - self._begun[node]), Text()
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
    """A path as the user would type it: from the working directory where it lies below that."""
    folder = f"{os.getcwd()}/"
    return uri[len(folder) :] if uri.startswith(folder) else uri


def print_run(console: Console, run: Run) -> None:
    """The closing table: every node, then metrics, blessing and the pushed model."""
    table = _table()
    for name, node in run.nodes.items():
        table.add_row(name, state_text(node.state), _seconds(node.seconds), _remark(node))
    console.print(table)
    _print_findings(console, run)
    console.print(f"Run {run.run_id}: {run.state} in {run.seconds:.1f} s", highlight=False)
    if run.metrics:
        values = ", ".join(f"{name} {value:.4g}" for name, value in run.metrics.items())
        console.print(f"Metrics on the test split: {values}", highlight=False, soft_wrap=True)
    if run.blessed is not None:
        console.print("Model: " + ("blessed" if run.blessed else "not blessed"))
    if "Pusher" in run.nodes:
        pushed = shown_path(run.pushed_model) if run.pushed_model else "nothing"
        console.print(f"Pushed: {pushed}", highlight=False, soft_wrap=True)


def _print_findings(console: Console, run: Run) -> None:
    for name, node in run.nodes.items():
        if node.findings:
            console.print(f"{name}: {node.error or node.note}", highlight=False, soft_wrap=True)
            console.print(findings_table([Finding(**row) for row in node.findings]))


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


def _main_output(node: NodeRun) -> str:
    return next((shown_path(uris[0]) for uris in node.outputs.values() if uris), "")


def _remark(node: NodeRun) -> Text:
    """What the closing table says of a node."""
    if node.error:
        return Text("refused: see below" if node.findings else _why(node))
    return Text(node.note or _main_output(node), "dim")


def _why(node: NodeRun) -> str:
    if node.error:
        log = f" (log: {shown_path(node.log)})" if node.log and not node.findings else ""
        return node.error + log
    return node.reason or ""
