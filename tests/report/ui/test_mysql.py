"""The page over the runs in a MariaDB database, as Airflow and Kubeflow leave them."""

from __future__ import annotations

import contextlib

import pymysql
import pytest

from tests import mariadb
from tests.report.ui import recorded_runs
from tests.report.ui.conftest import served
from tfx_pipeline.config import metadata_database
from tfx_pipeline.config.environment import METADATA_PASSWORD
from tfx_pipeline.metadata import database

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CONFIG = """\
name: shop
metadata: {uri}
modules: {{create_pipeline: mine.pipeline}}
"""


@pytest.fixture(scope="module")
def folder(mariadb_server, tmp_path_factory):
    """A folder whose pipeline.yaml names a database with runs of two pipelines."""
    uri = mariadb_server.uri("pages")
    where = metadata_database.parse(uri)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(METADATA_PASSWORD, mariadb.PASSWORD)
        store = database.open_store(database.connection_config(where, "unused"))
    recorded_runs.write(store, "shop", [f"scheduled__2026-11-0{day}" for day in range(1, 5)])
    recorded_runs.write(store, "depot", ["other"])
    found = tmp_path_factory.mktemp("mysql")
    (found / "pipeline.yaml").write_text(CONFIG.format(uri=uri))
    return found


def test_runs_of_all_pipelines_of_the_database_are_shown(folder, visit):
    with served(folder, **{METADATA_PASSWORD: mariadb.PASSWORD}) as ui:
        page = visit(ui.url("/"))
        text = page.inner_text(".runs")
        assert text.count("complete") == 5
        assert "other" in text
        page.click("text=scheduled__2026-11-03")
        states = page.eval_on_selector_all("#nodes .tag", "all => all.map(t => t.textContent)")
        assert states == ["complete"] * 3
        assert "an orchestrator has them" in page.inner_text("#log-section")
        page.click("#artifacts a:text-matches('^Model ')")
        assert "Examples" in page.inner_text("#above")
        assert "ModelEvaluation" in page.inner_text("#below")
        page.goto(ui.url("/pipelines/shop/metrics"))
        assert "Highest\n0.5030" in page.inner_text("main")
        page.goto("about:blank")  # before the server ends


def test_a_connection_that_the_server_has_closed_is_opened_anew(folder, mariadb_server):
    with served(folder, **{METADATA_PASSWORD: mariadb.PASSWORD}) as ui:
        assert "scheduled__2026-11-03" in ui.get("/").text
        listed = mariadb_server.query(
            "SELECT id FROM information_schema.processlist WHERE db = 'pages'"
        )
        assert listed
        for (number,) in listed:
            with contextlib.suppress(pymysql.MySQLError):
                mariadb_server.query(f"KILL {number}")
        found = ui.get("/")
        assert "scheduled__2026-11-03" in found.text
        assert 'class="problem"' not in found.text


def test_a_server_that_refuses_is_said(folder):
    with served(folder, **{METADATA_PASSWORD: "wrong"}) as ui:
        found = ui.get("/")
        assert found.status_code == 200
        assert "Access denied" in found.text
        assert "wrong" not in found.text
