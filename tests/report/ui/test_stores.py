"""Stores and run folders that are not as they should be: a sentence, never a traceback."""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import struct
import time
import urllib.parse

import pytest

from tests.projects import environment
from tests.report.conftest import copy_of
from tests.report.ui.conftest import served
from tfx_pipeline.storage import ui_address

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RUN = "/runs/chicago-taxi/first"


def ask(ui, path: str) -> socket.socket:
    """A connection over which a page has been asked for, and nothing has been read."""
    address = urllib.parse.urlsplit(ui.address)
    connection = socket.create_connection((address.hostname, address.port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
    return connection


@pytest.fixture
def copy(trained, tmp_path):
    return copy_of(trained, tmp_path / "taxi")


def test_a_root_that_is_not_there_is_said(tfx_pipeline, tmp_path):
    done = tfx_pipeline("ui", "--root", "nowhere", cwd=tmp_path, env=environment())
    assert done.returncode == 2
    assert "there is no folder 'nowhere'" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_an_empty_root_has_a_hint(tmp_path):
    with served(tmp_path, "--root", str(tmp_path)) as ui:
        found = ui.get("/")
        assert found.status_code == 200
        assert "There are no runs yet" in found.text
        assert "No pipeline has pushed a model yet" in ui.get("/models").text


def test_a_database_that_is_locked_is_said_and_runs_are_shown(copy):
    with served(copy.folder) as ui:
        with contextlib.closing(sqlite3.connect(copy.home / "metadata.db")) as store:
            store.execute("BEGIN EXCLUSIVE")
            for path in ("/", RUN, "/models"):
                found = ui.get(path)
                assert found.status_code == 200, path
            assert "database is locked" in ui.get("/").text
            assert RUN in ui.get("/").text
            found = ui.get("/artifacts/chicago-taxi/2")
            assert found.status_code == 422
            assert "database is locked" in found.text
        assert 'class="problem"' not in ui.get("/").text
        assert ui.get("/artifacts/chicago-taxi/2").status_code == 200


def test_a_client_that_closes_early_leaves_no_trace(ui):
    resets = struct.pack("ii", 1, 0)  # the connection is not closed, but reset
    for path in ("/", RUN, f"{RUN}/report", "/models"):
        ask(ui, path).close()
        with ask(ui, path) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, resets)
    assert ui.get("/").status_code == 200


def test_a_page_that_is_being_made_when_the_server_ends_is_said(copy):
    with served(copy.folder) as ui, contextlib.ExitStack() as opened:
        store = opened.enter_context(contextlib.closing(sqlite3.connect(copy.home / "metadata.db")))
        store.execute("BEGIN EXCLUSIVE")  # a page waits for it for a while
        connection = opened.enter_context(ask(ui, "/"))
        time.sleep(0.2)
        assert ui.end() == 0
        assert connection.recv(1000).startswith(b"HTTP/1.1 503 ")
    (line,) = [line for line in ui.log if "GET /" in line]
    assert line.endswith("503 GET / (127.0.0.1): This server is ending.\n")


def test_a_file_that_cannot_be_read_is_said(copy):
    report = copy.home / "runs" / "first" / "report.html"
    report.unlink()
    report.mkdir()
    with served(copy.folder) as ui:
        found = ui.get(f"{RUN}/report")
        assert found.status_code == 422
        assert "report.html: cannot be used: Is a directory" in found.text


def test_a_database_that_is_gone_is_said(copy):
    with served(copy.folder) as ui:
        assert "is gone" not in ui.get("/").text
        (copy.home / "metadata.db").unlink()
        for path in ("/", RUN):
            assert "the database of ML Metadata is gone" in ui.get(path).text
        assert RUN in ui.get("/").text
        assert not (copy.home / "metadata.db").exists()


def test_a_database_that_is_none_is_said(copy):
    (copy.home / "metadata.db").write_text("not a database at all")
    with served(copy.folder) as ui:
        assert "ML Metadata cannot be read" in ui.get("/").text
        (copy.home / "metadata.db").write_text("")
        assert "ML Metadata cannot be read" in ui.get("/").text


def test_a_run_of_another_version_is_listed(copy):
    runs = copy.home / "runs"
    old = json.loads((runs / "first" / "run.json").read_text())
    old["what_is_new"] = 1
    (runs / "old").mkdir()
    (runs / "old" / "run.json").write_text(json.dumps({**old, "run_id": "old"}))
    (runs / "half").mkdir()
    (runs / "half" / "run.json").write_text(json.dumps(old)[:100])
    (runs / "begun").mkdir()
    (runs / "begun" / "run.lock").touch()
    (runs / "first" / "run.json").write_text("{")  # ML Metadata knows this one
    with served(copy.folder) as ui:
        listed = ui.get("/").text
        assert listed.count("not a run.json of this version") == 2
        for name in ("old", "half", "begun", "first"):
            assert ui.get(f"/runs/chicago-taxi/{name}").status_code == 200, name
        assert "Stopped" in ui.get("/runs/chicago-taxi/begun").text
        assert "Blessed" in ui.get(RUN).text


@pytest.mark.parametrize(
    "path",
    [
        "/runs/chicago-taxi/nothing",
        "/runs/nothing/first",
        "/runs/chicago-taxi/..%2f..%2fserving",
        "/runs/chicago-taxi/..",
        "/runs/..%2f/first",
        "/runs/chicago-taxi/first/log?log=..%2f..%2frun",
        "/artifacts/chicago-taxi/999999999",
        "/artifacts/chicago-taxi/99999999999999999999",
        "/artifacts/chicago-taxi/x",
        "/pipelines/chicago-taxi/compare?a=first&b=nothing",
        "/pipelines/chicago-taxi/compare?a=first",
        "/?pipeline=nothing",
        "/nothing",
    ],
)
def test_what_is_not_there_is_said(ui, path):
    found = ui.get(path)
    assert found.status_code in (400, 404, 422)
    assert 'class="problem"' in found.text
    assert "Traceback" not in found.text


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=999", "page=x", "sort=x", "order=x"])
def test_a_strange_query_is_shown_as_well_as_possible(ui, query):
    found = ui.get(f"/?{query}")
    assert found.status_code == 200
    assert RUN in found.text


def test_the_address_is_found_while_the_page_is_served(copy):
    root = str(copy.folder / "build")
    assert ui_address.find(root) is None
    with served(copy.folder) as ui:
        assert ui_address.find(root) == ui.address
        assert ui_address.path(root).stat().st_mode & 0o077 == 0
        with served(copy.folder) as second:  # a second page: the first one keeps the file
            assert second.get("/").status_code == 200
            assert ui_address.find(root) == ui.address
        assert ui.end() == 0
        assert not ui_address.path(root).exists()


def test_a_page_that_was_killed_has_no_address(copy):
    root = str(copy.folder / "build")
    with served(copy.folder) as ui:
        ui.process.kill()
        ui.process.wait()
    assert ui_address.path(root).exists()
    assert ui_address.find(root) is None
    with served(copy.folder) as ui:
        assert ui_address.find(root) == ui.address


def test_a_port_that_is_in_use_is_said(ui, tfx_pipeline, tmp_path):
    port = ui.url("").rpartition(":")[2]
    done = tfx_pipeline("ui", "--root", str(tmp_path), "--port", port)
    assert done.returncode == 2
    assert "cannot listen at 127.0.0.1" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
