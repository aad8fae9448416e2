"""Runs to report on, and a real browser to look at the reports with."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright import sync_api

from tests import programs
from tests.projects import Project, environment
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.report import build

SCREENSHOTS = "TFX_PIPELINE_SCREENSHOTS"
"""The environment variable with the folder for screenshots; none are kept without it."""

CHROMIUM = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


def report(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `tfx-pipeline report` in a project."""
    command = [sys.executable, "-m", "tfx_pipeline", "report", *map(str, arguments)]
    return subprocess.run(
        command, cwd=project.folder, env=environment(), capture_output=True, text=True, check=False
    )


def html_of(project: Project, run_id: str = "first", against: str | None = None) -> str:
    """The report of a run, made in this process."""
    config = load_config(str(project.folder / "pipeline.yaml"), root=str(project.folder / "build"))
    return build.build(config, run_id, against).html


def copy_of(project: Project, folder: pathlib.Path) -> Project:
    """A copy of a project with its runs, whose ML Metadata names the copied files."""
    shutil.copytree(project.folder, folder)
    with contextlib.closing(sqlite3.connect(Project(folder).home / "metadata.db")) as store:
        store.execute(
            "UPDATE Artifact SET uri = replace(uri, ?, ?)", (str(project.folder), str(folder))
        )
        store.commit()
    return Project(folder)


@pytest.fixture(scope="module")
def chromium() -> Iterator[sync_api.Browser]:
    """One browser for a file. While Playwright runs, no other event loop can be started."""
    program = programs.find("chromium", ())
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*CHROMIUM])
        yield browser
        browser.close()


def keep_screenshots(test: str, contexts: list[sync_api.BrowserContext]) -> None:
    """Stores how the pages look at the end of a test, if SCREENSHOTS names a folder."""
    folder = os.environ.get(SCREENSHOTS)
    pages = [page for context in contexts for page in context.pages] if folder else []
    for number, page in enumerate(pages, 1):
        name = re.sub(r"[^\w-]+", "_", test).strip("_")[:80]
        page.screenshot(path=f"{folder}/{name}-{number}.png", full_page=True)


@pytest.fixture
def look(chromium, tmp_path, request):
    """Opens a report; at the end, nothing may have been logged or loaded from elsewhere."""
    complaints, contexts = [], []

    def opened(html: str, **options) -> sync_api.Page:
        options = {"viewport": {"width": 1200, "height": 900}, **options}
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        file = tmp_path / f"report-{len(contexts)}.html"
        file.write_text(html, encoding="utf-8")
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda r: r.url == file.as_uri() or complaints.append(r.url[:200]))
        page.goto(file.as_uri())
        return page

    yield opened
    keep_screenshots(request.node.name, contexts)
    for context in contexts:
        context.close()
    assert complaints == []
