"""The pages over the runs of the bundled example, in a real browser."""

from __future__ import annotations

import json
import shutil
import urllib.parse

import pytest

from tests.report.conftest import copy_of
from tests.report.test_browser import CONTRAST, HOSTILE
from tests.report.ui.conftest import served

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RUN = "/runs/chicago-taxi/first"
PAGES = (
    "/",
    RUN,
    "/models",
    "/pipelines/chicago-taxi/metrics",
    "/pipelines/chicago-taxi/compare?a=first&b=first",
    "/artifacts/chicago-taxi/2",
)


def test_the_list_has_the_run_with_its_metrics(ui, visit, project):
    page = visit(ui.url("/"))
    run = project.result("first")
    row = page.locator("tr", has_text="first").inner_text()
    assert f"auc {run['metrics']['auc']:.4f}" in row
    assert "complete" in row
    assert project.versions[0] in row
    page.click("text=first")
    assert page.inner_text("h1") == "first"


def test_a_run_has_its_graph_its_nodes_and_its_verdict(ui, visit, project):
    page = visit(ui.url(RUN))
    nodes = project.result("first")["nodes"]
    titles = page.eval_on_selector_all(".graph title", "all => all.map(t => t.textContent)")
    assert sorted(titles) == sorted(f"{name}: complete" for name in nodes)
    assert page.inner_text("#verdict h2") == "Blessed and pushed"
    row = page.locator("#nodes tr", has_text="Trainer").inner_text()
    assert f"{nodes['Trainer']['seconds']:.1f}" in row
    assert "first execution" in row


def test_the_log_of_a_node_is_shown(ui, visit, project):
    page = visit(ui.url(RUN))
    page.click("#nodes a:text-is('Trainer')")
    last = (project.home / "runs/first/logs/Trainer.log").read_text().strip().splitlines()[-1]
    page.locator("#log", has_text=last).wait_for()
    assert page.inner_text("#log-name") == "Trainer"


def test_lineage_leads_in_both_directions(ui, visit):
    page = visit(ui.url(RUN))
    page.click("#artifacts tr:has(td:text-is('Trainer')) >> a:text-matches('^Model ')")
    above, below = page.inner_text("#above"), page.inner_text("#below")
    for name in ("Examples", "Schema", "TransformGraph"):
        assert name in above
    for name in ("ModelEvaluation", "ModelBlessing", "PushedModel"):
        assert name in below
        assert name not in above
    page.click("#below a:text-matches('^PushedModel')")
    assert "Model " in page.inner_text("#above")
    assert page.inner_text("#made td").startswith("Pusher")


def test_the_report_is_made_if_it_is_not_there(ui, visit, project):
    file = project.home / "runs" / "first" / "report.html"
    file.unlink()
    page = visit(ui.url(RUN))
    page.click("text=Report of this run")
    assert page.inner_text("#verdict h2") == "Blessed and pushed"
    page.locator("#threshold").focus()
    before = page.inner_text("#m-threshold")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#m-threshold") != before
    assert "Blessed and pushed" in file.read_text()


@pytest.fixture(scope="module")
def many(trained, tmp_path_factory):
    """A project with 120 runs in folders, whose metrics are all different."""
    copy = copy_of(trained, tmp_path_factory.mktemp("many") / "taxi")
    first = copy.home / "runs" / "first"
    document = json.loads((first / "run.json").read_text())
    for number in range(119):
        document["run_id"] = f"night-{number:03}"
        document["started"] = f"2026-11-{1 + number // 24:02}T{number % 24:02}:00:00Z"
        document["metrics"]["auc"] = 0.5 + (number * 37 % 119) / 1000
        document["state"] = "failed" if number == 5 else "complete"
        folder = copy.home / "runs" / document["run_id"]
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps(document))
    with served(copy.folder) as running:
        yield running


def column(page, number):
    return page.eval_on_selector_all(
        ".runs tbody tr", "(rows, n) => rows.map(r => r.cells[n].innerText)", number
    )


def test_a_click_on_a_head_sorts_all_runs(many, visit):
    page = visit(many.url("/"))
    page.click("#sort-metric")
    found = [float(text.split()[1]) for text in column(page, 5)]
    assert len(found) == 50
    assert found == sorted(found, reverse=True)
    page.click("#sort-metric")
    page.wait_for_url("**order=up*")
    assert float(column(page, 5)[0].split()[1]) == 0.5


def test_pages_follow_each_other(many, visit):
    page = visit(many.url("/"))
    seen = column(page, 0)
    for number in (2, 3):
        page.click("#later")
        page.wait_for_url(f"**page={number}")
        seen += column(page, 0)
    assert len(seen) == len(set(seen)) == 120
    assert page.locator("#later").count() == 0


def test_the_search_finds_runs_by_all_words(many, visit):
    page = visit(many.url("/"))
    page.fill("#q", "NIGHT failed")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=NIGHT*")
    assert column(page, 0) == ["night-005"]
    assert "1 of 120 runs" in page.inner_text(".pages")
    page.fill("#q", "nothing <b>like</b> that")
    page.click("text=Search >> nth=-1")
    page.wait_for_url("**like*")
    assert "No run contains “nothing <b>like</b> that”" in page.inner_text("main")


def test_metrics_over_time_are_drawn(many, visit):
    page = visit(many.url("/pipelines/chicago-taxi/metrics"))
    card = page.locator(".card", has=page.locator("h3:text-is('auc')"))
    points = card.locator("polyline").get_attribute("points").split()
    assert len(points) == 120
    assert "0.5000, run night-000" in card.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_wider_than_the_window_and_contrast_is_enough(ui, visit, path, width, scheme):
    page = visit(ui.url(path), viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []


def test_dark_mode_is_dark(ui, visit):
    page = visit(ui.url("/"), color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 29)"


@pytest.mark.parametrize("path", PAGES)
def test_the_keyboard_reaches_everything(ui, visit, path):
    page = visit(ui.url(path))
    wanted = page.evaluate(
        """() => {
          const all = [...document.querySelectorAll(
            'a[href], button, input:not([type=hidden]), select, summary, pre')];
          const shown = all.filter((e) => e.checkVisibility());
          shown.forEach((e, i) => { e.dataset.number = i; });
          return shown.length;
        }"""
    )
    reached = set()
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.number"))
    assert len(reached - {None}) == wanted


def test_the_page_can_be_read_without_javascript(ui, visit, project):
    page = visit(ui.url(RUN), java_script_enabled=False)
    assert "Blessed and pushed" in page.inner_text("main")
    assert f"{project.result('first')['metrics']['auc']:.4f}" in page.inner_text("main")


def test_hostile_names_are_shown_and_never_executed(trained, visit, tmp_path):
    copy = copy_of(trained, tmp_path / "taxi")
    first = copy.home / "runs" / "first"
    document = json.loads((first / "run.json").read_text())
    names = [name for name in HOSTILE if "/" not in name]
    for node, text in zip(document["nodes"].values(), HOSTILE, strict=False):
        node["note"], node["reason"] = text, text
    document["metrics"] = dict.fromkeys(HOSTILE, 0.5) | document["metrics"]
    for name in names:
        document["run_id"] = name
        shutil.copytree(first, copy.home / "runs" / name)
        (copy.home / "runs" / name / "run.json").write_text(json.dumps(document))
        (copy.home / "runs" / name / "logs" / "Trainer.log").write_text("\n".join(HOSTILE))
    hostile_pipeline = copy.home.parent / names[0]
    (hostile_pipeline / "runs" / "x").mkdir(parents=True)
    with served(copy.folder) as ui:
        page = visit(ui.url("/"))
        text = page.inner_text("main") + page.inner_text("header")
        assert all(name in text for name in names)
        assert names[0] in page.inner_text(".choices")
        quoted = urllib.parse.quote(names[1], safe="")
        page.goto(ui.url(f"/runs/chicago-taxi/{quoted}?log=Trainer"))
        page.locator("#log", has_text="東京").wait_for()
        text = page.inner_text("main")
        assert all(value in text for value in HOSTILE)
        assert page.inner_text("h1") == names[1]
        page.goto(ui.url(f"/pipelines/chicago-taxi/compare?a=first&b={quoted}"))
        assert names[1] in page.inner_text("main")
        page.goto(ui.url("/pipelines/chicago-taxi/metrics"))
        assert all(value in page.inner_text("main") for value in HOSTILE)
        assert page.evaluate("window.hit") is None
        page.goto(ui.url("/"))
        assert page.evaluate("window.hit") is None
        page.goto("about:blank")  # before the server ends
