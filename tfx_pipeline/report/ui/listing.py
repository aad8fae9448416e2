"""The list of runs: of all pipelines, searched, sorted, in pages.

A run in a folder is read from its run.json, a run that is only in ML Metadata by its records,
which takes longer. So only those runs are read that a page shows, unless it is sorted or searched
by what is inside; and what has ended is remembered.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tfx_pipeline import errors
from tfx_pipeline.metadata.run_record import timestamp
from tfx_pipeline.report.ui import live
from tfx_pipeline.report.ui.store import Source
from tfx_pipeline.storage.ui_address import run_path

PAGE_SIZE = 50
_EXPIRES, _SHARE_OF_AGE = 60.0, 0.01
"""A run that has ended is read again after some seconds, because it may have been continued
elsewhere; an older one after a share of its age."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One run in the list.

    Attributes:
      started: ISO 8601 in UTC.
      metrics: those of the Evaluator.
      version: the version that it pushed.
      problem: why it cannot be read; None if it can.
    """

    pipeline: str
    run_id: str
    state: str
    started: str
    seconds: float = 0.0
    metrics: tuple[tuple[str, float | None], ...] = ()
    blessed: bool | None = None
    version: str | None = None
    cached: int = 0
    nodes: int = 0
    problem: str | None = None

    @property
    def path(self) -> str:
        """The path of its page."""
        return run_path(self.pipeline, self.run_id)

    @property
    def main_metric(self) -> float:
        """The first metric, to sort by; the smallest number if there is none."""
        values = [value for _, value in self.metrics if value is not None]
        return values[0] if values else float("-inf")

    @property
    def text(self) -> str:
        """What a search looks into."""
        words = [self.pipeline, self.run_id, self.state, self.started, self.version or ""]
        words += ["blessed" if self.blessed else "", "pushed" if self.version else ""]
        return " ".join([*words, *(name for name, _ in self.metrics)]).lower()


_KEYS: dict[str, Callable[[Row], Any]] = {
    "pipeline": lambda row: row.pipeline,
    "run": lambda row: row.run_id,
    "state": lambda row: row.state,
    "started": lambda row: row.started,
    "seconds": lambda row: row.seconds,
    "metric": lambda row: row.main_metric,
    "blessed": lambda row: (row.blessed is not None, bool(row.blessed)),
    "pushed": lambda row: row.version or "",
}
SORTS = tuple(_KEYS)


@dataclasses.dataclass(frozen=True)
class Query:
    """What a list shows.

    Attributes:
      text: words that a run must contain, all of them.
      sort: a name of SORTS.
      number: the page, from 1.
    """

    text: str = ""
    pipeline: str = ""
    sort: str = "started"
    down: bool = True
    number: int = 1


@dataclasses.dataclass(frozen=True)
class Page:
    """A part of the list. `found` is the number of runs that fit, `total` that of all."""

    rows: Sequence[Row]
    found: int
    total: int
    number: int
    pages: int


@dataclasses.dataclass(frozen=True)
class _Entry:
    source: Source
    run_id: str
    started: float


class Listing:
    """Reads rows, and remembers those of runs that have ended."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[object, float, Row]] = {}

    def page(self, sources: Iterable[Source], query: Query) -> Page:
        """The part of the list that a query names."""
        chosen = [s for s in sources if query.pipeline in ("", s.name)]
        entries = self.entries(chosen)
        words = query.text.lower().split()
        by_start = query.sort == "started"
        if by_start and not query.down:
            entries.reverse()
        if by_start and not words:
            number, pages = _within(query.number, len(entries))
            shown = entries[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
            return Page([*map(self.row, shown)], len(entries), len(entries), number, pages)
        rows = [row for row in map(self.row, entries) if all(word in row.text for word in words)]
        if not by_start:
            rows.sort(key=_KEYS[query.sort], reverse=query.down)
        number, pages = _within(query.number, len(rows))
        part = rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        return Page(part, len(rows), len(entries), number, pages)

    def of_pipeline(self, source: Source) -> list[Row]:
        """All runs of one pipeline, the newest first."""
        return [*map(self.row, self.entries([source]))]

    def entries(self, sources: Iterable[Source]) -> list[_Entry]:
        """All runs, the newest first, before they are read."""
        found = [entry for source in sources for entry in _entries(source)]
        return sorted(found, key=lambda entry: (entry.started, entry.run_id), reverse=True)

    def row(self, entry: _Entry) -> Row:
        """One run; it is read again if its file has changed, or some time later."""
        key = (entry.source.name, entry.run_id)
        stamp = _stamp(entry)
        known = self._rows.get(key)
        if known and known[0] == stamp and known[2].state not in live.LIVE:
            age = time.time() - entry.started
            is_recent = time.monotonic() - known[1] < max(_EXPIRES, _SHARE_OF_AGE * age)
            if stamp is not None or is_recent:
                return known[2]
        row = _read(entry)
        self._rows[key] = (stamp, time.monotonic(), row)
        return row


def _within(number: int, count: int) -> tuple[int, int]:
    pages = max((count + PAGE_SIZE - 1) // PAGE_SIZE, 1)
    return min(max(number, 1), pages), pages


def _entries(source: Source) -> list[_Entry]:
    """The runs in ML Metadata and in folders; the time is that of their first node, or nearly."""
    history = source.runs.history
    starts = history.run_starts() if history else {}
    folder = source.layout.runs
    with os.scandir(folder) if folder.is_dir() else contextlib.nullcontext(()) as found:
        for item in found:
            with contextlib.suppress(FileNotFoundError):  # it is being removed
                if item.name not in starts and item.is_dir():
                    starts[item.name] = item.stat().st_mtime
    return [_Entry(source, run_id, started) for run_id, started in starts.items()]


def _stamp(entry: _Entry) -> object:
    try:
        found = entry.source.layout.run(entry.run_id).run_json.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, entry.source.problem)


def _read(entry: _Entry) -> Row:
    source, run_id = entry.source, entry.run_id
    try:
        run = source.runs.read(run_id)
    except errors.ConfigError as error:
        return _unreadable(entry, str(error))
    state = live.current_state(source, run_id, run.state)
    return Row(
        pipeline=source.name,
        run_id=run_id,
        state=state,
        started=run.started or timestamp(entry.started),
        seconds=live.seconds(run, state),
        metrics=tuple(run.metrics.items()),
        blessed=run.blessed,
        version=run.pushed_version,
        cached=sum(node.state == "cached" for node in run.nodes.values()),
        nodes=len(run.nodes),
    )


def _unreadable(entry: _Entry, problem: str) -> Row:
    files = entry.source.layout.run(entry.run_id)
    started = timestamp(entry.started)
    if live.is_executed(files):
        return Row(entry.source.name, entry.run_id, live.STARTING, started)
    state = "unreadable" if files.run_json.exists() else live.STOPPED
    return Row(entry.source.name, entry.run_id, state, started, problem=problem)
