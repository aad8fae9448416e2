"""The page over all runs in a process of its own, and a real browser to look at it."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest
from playwright import sync_api

from tests.projects import Project, environment
from tests.report.conftest import copy_of


@dataclasses.dataclass
class Ui:
    """A page that is served.

    Attributes:
      address: as it was printed, with the token if there is one.
      log: the lines of its standard error so far.
    """

    process: subprocess.Popen[str]
    address: str
    log: list[str]

    def url(self, path: str) -> str:
        """The address of a path, without a token."""
        return self.address.partition("?")[0].rstrip("/") + path

    def get(self, path: str, **options) -> httpx.Response:
        return httpx.get(self.url(path), timeout=None, **options)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait()


@contextlib.contextmanager
def served(folder: pathlib.Path, *arguments: str, **variables: str) -> Iterator[Ui]:
    """Runs `tfx-pipeline ui` on a free port; at the end, no traceback may have been printed."""
    command = [sys.executable, "-m", "tfx_pipeline", "ui", "--port", "0", *arguments]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**environment(), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log: list[str] = []
    reader = threading.Thread(target=lambda: log.extend(process.stderr), daemon=True)
    reader.start()
    address = process.stdout.readline().strip()
    ui = Ui(process, address, log)
    try:
        assert address.startswith("http://"), "".join(log)
        yield ui
    finally:
        if process.poll() is None:
            ui.end()
        reader.join()
        process.stdout.close()
        process.stderr.close()
    assert "Traceback" not in "".join(log)


@pytest.fixture(scope="module")
def project(trained, tmp_path_factory) -> Project:
    """A copy of the trained example."""
    return copy_of(trained, tmp_path_factory.mktemp("ui") / "taxi")


@pytest.fixture(scope="module")
def ui(project) -> Iterator[Ui]:
    """The page over the runs of `project`."""
    with served(project.folder) as running:
        yield running


@pytest.fixture
def visit(chromium) -> Iterator:
    """Opens pages; at the end, nothing may have been logged or loaded from elsewhere."""
    complaints, contexts = [], []

    def opened(url: str, **options) -> sync_api.Page:
        options = {"viewport": {"width": 1200, "height": 900}, **options}
        context = chromium.new_context(**options)
        context.set_default_timeout(0)
        contexts.append(context)
        page = context.new_page()
        origin = "/".join(url.split("/")[:3]) + "/"
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda r: r.url.startswith(origin) or complaints.append(r.url[:200]))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [text for text in complaints if not text.startswith("data:")] == []
