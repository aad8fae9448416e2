"""Runs, nodes and artifacts as HTML in a notebook, in a real browser."""

from __future__ import annotations

import copy
import html
import pickle
import re

import pytest

from tests.projects import make_project
from tests.report.conftest import copy_of, html_of
from tests.report.test_browser import CONTRAST, HOSTILE, make_hostile
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.metadata.run_history import open_runs
from tfx_pipeline.metadata.run_record import Run

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PAGE = """<!DOCTYPE html><html{attributes}><head><meta charset="utf-8"><title>Notebook</title>
<link rel="icon" href="data:,">
<style>body {{ background: rgb(1, 2, 3); }} .own {{ font: 10px monospace; }}
.rendered td {{ text-align: right; }} .rendered tr:nth-child(odd) {{ background: rgb(9, 9, 9); }}
</style></head><body><h1 class="own">Own</h1><p class="own card">Own</p>
<table class="own"><tr><td class="n">1</td></tr></table><div class="rendered">{outputs}</div>
</body></html>"""

OWN = """() => ["body", ".own", "p.own", "table.own", "table.own td"].map((s) => {
  const style = getComputedStyle(document.querySelector(s));
  return ["color", "backgroundColor", "font", "padding", "margin", "border", "textAlign"]
    .map((name) => style[name]);
})"""


def run_of(project, run_id="first"):
    """The run, read as a notebook does."""
    config = load_config(str(project.folder / "pipeline.yaml"), root=str(project.folder / "build"))
    return open_runs(config).get(run_id)


def shown(run) -> dict[str, str]:
    """All HTML that a notebook can show of a run."""
    result = {"run": run._repr_html_()}
    for name, node in run.nodes.items():
        result[name] = node._repr_html_()
        result |= {f"{name}.{key}": a._repr_html_() for key, a in node.artifacts.items()}
    return result


def page_of(outputs, attributes="") -> str:
    return PAGE.format(outputs="\n".join(outputs), attributes=attributes)


@pytest.fixture(scope="module")
def outputs(trained):
    return shown(run_of(trained))


def test_outputs_do_not_change_the_page_around_them(outputs, look):
    alone = look(page_of([])).evaluate(OWN)
    page = look(page_of(outputs.values()))
    assert page.evaluate(OWN) == alone
    assert page.locator(".tfx-pipeline-view").count() == len(outputs)
    ids = page.eval_on_selector_all("[id]", "all => all.map(e => e.id)")
    assert ids == []


def test_outputs_need_no_script_and_nothing_from_elsewhere(outputs):
    for name, text in outputs.items():
        for forbidden in ("<script", "src=", "url(", "@import", "href="):
            assert forbidden not in text, name


@pytest.mark.parametrize("attributes", ["", ' data-jp-theme-light="false"'])
def test_outputs_follow_the_theme_of_the_page_and_can_be_read(outputs, look, attributes):
    chosen = [outputs[n] for n in ("run", "StatisticsGen", "SchemaGen", "Evaluator", "Transform")]
    page = look(page_of(chosen, attributes), color_scheme="dark")
    ink = page.eval_on_selector(".tfx-pipeline-view", "e => getComputedStyle(e).color")
    assert ink == ("rgb(230, 234, 241)" if attributes else "rgb(28, 36, 48)")
    page.eval_on_selector_all(".own", "all => all.forEach((e) => e.remove())")
    assert page.evaluate(CONTRAST) == []
    first = page.locator(".rendered td:not(.n)").first
    assert first.evaluate("e => getComputedStyle(e).textAlign") == "left"


def test_each_output_has_its_numbers(trained, outputs):
    result = trained.result("first")
    auc = f"{result['metrics']['auc']:.4f}"
    assert auc in outputs["run"]
    assert auc in outputs["Evaluator.evaluation"]
    assert "Blessed and pushed" in outputs["run"]
    assert "trip_start_hour = 8" in html.unescape(outputs["Evaluator"])
    assert outputs["StatisticsGen.statistics"].count('class="card feature"') == 19
    assert "Credit Card" in html.unescape(outputs["SchemaGen.schema"])
    assert "None: all splits fit the schema." in outputs["ExampleValidator.anomalies"]
    assert "Taxi Affiliation Services" in outputs["Transform.transform_graph"]
    assert "serving_default" in outputs["ExportCheck.blessing"]
    assert result["nodes"]["Pusher"]["outputs"]["pushed_model"][0] in outputs["Pusher"]


def test_hostile_names_and_values_are_shown_and_never_executed(trained, tmp_path, look):
    project = copy_of(trained, tmp_path / "taxi")
    make_hostile(project)
    page = look(page_of(shown(run_of(project)).values()))
    page.mouse.move(300, 300)
    assert page.evaluate("window.hit") is None
    assert page.evaluate("document.querySelectorAll('script, img').length") == 0
    text = page.inner_text(".rendered")
    assert [value for value in HOSTILE if value not in text] == []


def test_without_ml_metadata_the_record_itself_is_shown(trained):
    text = (trained.home / "runs" / "first" / "run.json").read_text()
    run = Run.model_validate_json(text)
    assert "Blessed and pushed" in run._repr_html_()
    assert "complete" in run.nodes["Trainer"]._repr_html_()
    [uri] = run.nodes["Trainer"].outputs["model"]
    assert uri in run.nodes["Trainer"].artifacts["model"]._repr_html_()


def test_a_record_is_equal_to_its_copy_and_can_be_stored(trained):
    run = run_of(trained)
    for other in (pickle.loads(pickle.dumps(run)), copy.deepcopy(run)):
        assert other == run
        assert other.to_json() == run.to_json()
        assert re.search("Blessed and pushed", other._repr_html_())


def test_what_the_bias_gate_found_is_in_the_report_and_in_notebooks(tmp_path, look):
    project = make_project(tmp_path / "taxi")
    gates = 'gates={"bias": {"groups": ["payment_type"], "min_rate_ratio": 0.8}}'
    project.run("--run-id", "bias", "--to", "DataGate", "--set", gates)
    node = run_of(project, "bias").nodes["ExampleValidator"]
    in_notebook = look(page_of([node.artifacts["anomalies"]._repr_html_()]))
    in_report = look(html_of(project, "bias"))
    for text in (in_notebook.inner_text(".rendered"), in_report.inner_text("#checks")):
        assert "Groups" in text
        assert re.search(r"payment_type\s+Cash\s+[\d,]+\s+65 %", text)
        assert re.search(r"bias\s+train", text)
