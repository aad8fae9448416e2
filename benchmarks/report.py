"""The report: its size, the time to make it, and the time until a browser shows it."""

from __future__ import annotations

import pathlib
import shutil
import tempfile
import time

import click
from tensorflow_metadata.proto.v0 import statistics_pb2

from tfx_pipeline.config.loader import load_config
from tfx_pipeline.metadata.run_history import open_runs
from tfx_pipeline.report import features, page, run_facts
from tfx_pipeline.storage.layout import Layout

LIMIT_KB, WIDE_KB, WIDE_SECONDS, OPEN_SECONDS = 500, 1000, 5.0, 1.0
WIDE = 100


@click.command("report")
@click.option("--config", default="pipeline.yaml", show_default=True)
@click.option("--root", help="The folder of the runs; replaces 'root'.")
def command(config: str, root: str | None) -> None:
    """Measure the report of the newest run, and of one with 100 columns."""
    loaded = load_config(config, root=root)
    runs = open_runs(loaded)
    started = time.perf_counter()
    facts = run_facts.read(runs, runs.latest().run_id, Layout(loaded.root, loaded.name))
    html = page.render(facts)
    example = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        wide_facts = _wide(facts, pathlib.Path(folder))
        started = time.perf_counter()
        wide = page.render(wide_facts)
        wide_seconds = time.perf_counter() - started
        _row("the example", html, example, LIMIT_KB, WIDE_SECONDS, pathlib.Path(folder))
        splits = len(features.statistics(wide_facts))
        name = f"{WIDE} columns x {splits} splits"
        _row(name, wide, wide_seconds, WIDE_KB, WIDE_SECONDS, pathlib.Path(folder))


def _wide(facts: run_facts.RunFacts, folder: pathlib.Path) -> run_facts.RunFacts:
    """The same run with statistics of 100 columns."""
    import dataclasses

    statistics = facts.artifact("ExampleStatistics")
    assert statistics is not None
    shutil.copytree(statistics.uri, folder / "statistics")
    for file in (folder / "statistics").glob("Split-*/FeatureStats.pb"):
        parsed = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
        given = list(parsed.datasets[0].features)
        for number in range(WIDE - len(given)):
            new = parsed.datasets[0].features.add()
            new.CopyFrom(given[number % len(given)])
            new.path.step[0] = f"column_{number:03}"
        file.write_bytes(parsed.SerializeToString())
    moved = dataclasses.replace(statistics, uri=str(folder / "statistics"))
    artifacts = tuple(moved if a is statistics else a for a in facts.artifacts)
    return dataclasses.replace(facts, artifacts=artifacts)


def _row(
    name: str, html: str, seconds: float, most_kb: int, most_seconds: float, folder: pathlib.Path
) -> None:
    size = len(html.encode()) / 1000
    opened = _opened(html, folder)
    print(
        f"{name:24} {size:6.0f} KB (below {most_kb})   made in {seconds:4.2f} s "
        f"(below {most_seconds:g})   opened in {opened}"
    )


def _opened(html: str, folder: pathlib.Path) -> str:
    """The seconds until Chromium has loaded the page."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        return "no Chromium here"
    file = folder / "report.html"
    file.write_text(html)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        tab = browser.new_page()
        tab.goto("about:blank")
        started = time.perf_counter()
        tab.goto(file.as_uri())
        seconds = time.perf_counter() - started
        browser.close()
    return f"{seconds:.2f} s (below {OPEN_SECONDS:g})"
