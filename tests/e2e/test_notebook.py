"""The example notebook, executed by a real kernel."""

from __future__ import annotations

import shutil

import pytest

from tests.projects import REPOSITORY, environment, make_project

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NOTEBOOK = REPOSITORY / "docs" / "notebook.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook after all its cells were executed in a project of its own, and the project."""
    import nbclient  # takes two seconds
    import nbformat

    project = make_project(tmp_path_factory.mktemp("notebook") / "taxi")
    (project.folder / "docs").mkdir()
    copy = shutil.copy(NOTEBOOK, project.folder / "docs")
    notebook = nbformat.read(copy, nbformat.NO_CONVERT)
    client = nbclient.NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        resources={"metadata": {"path": str(project.folder / "docs")}},
    )
    client.execute(env=environment())
    return notebook, project


def html_of(notebook, source):
    """The HTML that the cell with this source shows."""
    [cell] = [cell for cell in notebook.cells if source in cell.source]
    [result] = [o for o in cell.outputs if o.output_type == "execute_result"]
    return result.data["text/html"]


def test_the_cells_are_one_run(executed):
    _, project = executed
    [run_id] = [folder.name for folder in (project.home / "runs").iterdir()]
    nodes = project.result(run_id)["nodes"]
    skipped = {name for name, node in nodes.items() if node["state"] == "skipped"}
    assert skipped == {"ExportCheck", "Pusher"}
    assert {nodes[name]["state"] for name in nodes.keys() - skipped} == {"complete"}
    assert all(nodes[name]["log"] for name in nodes.keys() - skipped)


def test_each_cell_shows_what_its_node_has_made(executed):
    notebook, project = executed
    for source, wanted in {
        '"StatisticsGen"': 'class="card feature"',
        '"SchemaGen"': "payment_type",
        '"ExampleValidator"': "None: all splits fit the schema.",
        '"Transform"': "Taxi Affiliation Services",
        '"Trainer"': "<h3>loss</h3>",
        'artifacts["evaluation"]': "trip_start_hour = ",
        "run = open_runs": 'class="graph"',
    }.items():
        html = html_of(notebook, source)
        assert wanted in html, source
        assert "<script" not in html
    [run_id] = [folder.name for folder in (project.home / "runs").iterdir()]
    last = notebook.cells[-1].outputs[0].data["text/plain"]
    assert float(last) == project.result(run_id)["metrics"]["auc"]


def test_the_notebook_is_stored_without_outputs():
    import nbformat

    cells = nbformat.read(NOTEBOOK, nbformat.NO_CONVERT).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert len(code) > 5
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
