"""A real run of many small nodes: its page and its report stay readable and quick."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

from tests.own_pipelines import COMPONENTS
from tests.projects import environment
from tests.report.ui.conftest import served
from tfx_pipeline.metadata import database
from tfx_pipeline.metadata.history import History
from tfx_pipeline.metadata.run_history import Runs
from tfx_pipeline.report import run_facts
from tfx_pipeline.storage.layout import Layout

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow, pytest.mark.slow]

BRANCHES, STEPS = 8, 4
FLOW = f"""{COMPONENTS}
import tfx_pipeline

def start():
    first = Number(value=5)
    nodes = [first]
    for branch in range({BRANCHES}):
        before = first.outputs["number"]
        for step in range({STEPS}):
            node = Double(number=before).with_id(f"Double_of_branch_{{branch}}_step_{{step}}")
            before = node.outputs["double"]
            nodes.append(node)
    last = Double(number=before).with_id("Last")
    for node in nodes:
        last.add_upstream_node(node)
    pipeline = tfx.dsl.Pipeline("many", "out", components=[*nodes, last], enable_cache=True)
    assert tfx_pipeline.LocalRunner(pipeline, run_id="one").run().state == "complete"
"""
NODES = BRANCHES * STEPS + 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    """The folder in which the pipeline has run."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "flow.py").write_text(FLOW)
    command = [sys.executable, "-c", "import flow; flow.start()"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def url(folder):
    with served(folder, "--root", str(folder / "out")) as running:
        yield running.url("/runs/many/one")


def looked_at(page) -> dict:
    """What of the graph is seen."""
    return {
        "titles": page.eval_on_selector_all(".graph title", "all => all.map(t => t.textContent)"),
        "names": page.eval_on_selector_all(
            ".graph .node text:last-of-type", "all => all.map(t => t.textContent)"
        ),
        "edges": page.locator(".graph .edge").count(),
        "overflow": page.evaluate("document.documentElement.scrollWidth - innerWidth"),
    }


@pytest.mark.parametrize("width", [400, 1200])
@pytest.mark.parametrize("of", ["page", "report"])
def test_all_nodes_are_in_the_graph_and_only_the_graph_scrolls(url, visit, width, of):
    address = url if of == "page" else f"{url}/report"
    found = looked_at(visit(address, viewport={"width": width, "height": 900}))
    assert len(found["titles"]) == NODES
    assert len({*found["names"]}) == NODES
    assert "…3…2" in found["names"]
    assert found["overflow"] <= 0
    # A line from each first step, between steps, and to the last node from each last step.
    assert found["edges"] == BRANCHES * (STEPS + 1)


@pytest.mark.parametrize("of", ["page", "report"])
def test_no_name_is_wider_than_its_box(url, visit, of):
    page = visit(url if of == "page" else f"{url}/report")
    wider = page.eval_on_selector_all(
        ".graph .node",
        """all => all.filter(g => g.querySelector("text:last-of-type").getBBox().x
          + g.querySelector("text:last-of-type").getBBox().width
          > g.querySelector("rect").getBBox().x + g.querySelector("rect").getBBox().width)
          .map(g => g.textContent)""",
    )
    assert wider == []


class Counted:
    """A store that counts its requests."""

    def __init__(self, store):
        self.store, self.requests = store, 0

    def __getattr__(self, name):
        self.requests += 1
        return getattr(self.store, name)


def test_the_requests_to_ml_metadata_do_not_grow_with_the_nodes(folder):
    layout = Layout(str(folder / "out"), "many")
    connection = database.connection_config("sqlite", layout.metadata_db)
    store = Counted(database.open_store(connection))
    runs = Runs(layout, History(store, "many"))
    facts = run_facts.read(runs, "one", layout)
    assert (len(facts.nodes), len(facts.artifacts)) == (NODES, NODES)
    store.requests = 0
    again = run_facts.read(runs, "one", layout)
    assert again == facts
    assert store.requests <= 10
