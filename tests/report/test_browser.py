"""The report of the bundled example in a real browser."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.report.conftest import copy_of, html_of
from tfx_pipeline.components.evaluator import all_rows, curves, intervals

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SECTIONS = (
    "verdict",
    "run",
    "metrics",
    "slices",
    "weak-slices",
    "importance",
    "data",
    "checks",
    "preprocessing",
    "training",
    "export",
    "origin",
)

CONTRAST = """() => {
  const rgb = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const back = (element) => {
    for (let e = element; e; e = e.parentElement) {
      if (e.tagName === "g") {
        const box = e.querySelector("rect");
        if (box) return rgb(getComputedStyle(box).fill);
      }
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  document.querySelectorAll("details").forEach((d) => { d.open = true; });
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode, element = text.parentElement;
    if (!text.data.trim() || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const ink = element.closest("svg") ? style.fill : style.color;
    const pair = [light(rgb(ink)), light(back(element))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) low.push([ratio.toFixed(2), ink, text.data.trim().slice(0, 40)]);
  }
  return low;
}"""


@pytest.fixture(scope="module")
def html(trained) -> str:
    return html_of(trained)


@pytest.fixture(scope="module")
def details(trained) -> dict:
    (file,) = trained.home.glob("Evaluator/evaluation/*/details.json")
    return json.loads(file.read_text())


def test_every_section_is_there_and_the_verdict_is_first(html, look):
    page = look(html)
    found = page.eval_on_selector_all("main > section", "all => all.map(s => s.id)")
    assert set(SECTIONS) <= set(found)
    assert found[0] == "verdict"
    assert page.inner_text("#verdict h2") == "Blessed and pushed"
    links = page.eval_on_selector_all("nav a", "all => all.map(a => a.getAttribute('href'))")
    assert links == [f"#{name}" for name in found]


def test_weak_slices_are_those_of_the_evaluation(html, look, details):
    page, found = look(html), details["weak_slices"]
    assert f"{found['tested']} values and ranges" in page.inner_text("#weak-slices p")
    rows = page.eval_on_selector_all("#weak-slices tbody tr", "all => all.map(r => r.innerText)")
    assert len(rows) == len(found["slices"]) > 0
    for row, of_slice in zip(rows, found["slices"], strict=True):
        [[column, value]] = of_slice["slice"]
        assert row.split("\t")[0] == f"{column}: {value}"
        assert row.split("\t")[2] == f"{of_slice['loss']:.4f}"


def test_each_node_is_in_the_graph_and_in_the_table(html, look, trained):
    page = look(html)
    nodes = list(trained.result("first")["nodes"])
    titles = page.eval_on_selector_all(".graph title", "all => all.map(t => t.textContent)")
    assert sorted(titles) == sorted(f"{name}: complete" for name in nodes)
    assert page.locator("#run tbody tr").count() == len(nodes)


def test_metrics_are_those_of_the_run(html, look, trained, details):
    page = look(html)
    metrics = trained.result("first")["metrics"]
    low, high = details["slices"][0]["candidate"]["intervals"]["auc"]
    row = page.locator("#metrics tbody tr", has_text="auc").first.inner_text()
    assert f"{metrics['auc']:.4f}" in row
    assert f"{low:.4f} to {high:.4f}" in row
    assert "at least 0.5: met" in row


def test_the_slider_moves_the_matrix(html, look, details):
    page = look(html)
    table = details["slices"][0]["candidate"]["curves"]["thresholds"]
    for index in (10, 150, len(table["threshold"]) - 1):
        page.locator("#threshold").evaluate(
            "(s, v) => { s.value = v; s.dispatchEvent(new Event('input')); }", index
        )
        assert page.inner_text("#m-threshold") == f"{table['threshold'][index]:g}"
        for cell, name in (("tp", "true_positives"), ("fn", "false_negatives")):
            assert page.inner_text(f"#m-{cell}") == f"{table[name][index]:,.0f}"
    page.locator("#threshold").focus()
    before = page.inner_text("#m-threshold")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#m-threshold") != before


def test_costs_decide_the_cheapest_threshold(html, look, details):
    page = look(html)
    table = details["slices"][0]["candidate"]["curves"]["thresholds"]
    page.fill("#cost-false-negative", "20")
    costs = [
        fp + 20 * fn
        for fp, fn in zip(table["false_positives"], table["false_negatives"], strict=True)
    ]
    best = costs.index(min(costs))
    assert page.inner_text("#m-best") == f"{table['threshold'][best]:g} (cost {min(costs):,.0f})"


def test_a_click_sorts_a_table_by_number(html, look):
    page = look(html)
    head = page.locator("#slice-table th", has_text="Rows").locator("button")
    rows = "all => all.map(r => Number(r.cells[1].dataset.v))"
    head.click()
    found = page.eval_on_selector_all("#slice-table tbody tr", rows)
    assert found == sorted(found)
    head.press("Enter")
    found = page.eval_on_selector_all("#slice-table tbody tr", rows)
    assert found == sorted(found, reverse=True)


def test_the_search_finds_columns(html, look):
    page = look(html)
    page.fill("#search", "PICKUP")
    shown = page.eval_on_selector_all(
        ".feature:not([hidden])", "all => all.map(f => f.dataset.name)"
    )
    assert shown
    assert all("pickup" in name for name in shown)
    assert page.inner_text("#search-count") == f"{len(shown)} of 19"
    page.fill("#search", "")
    assert page.locator(".feature:not([hidden])").count() == 19


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_is_wider_than_the_window(html, look, scheme, width):
    page = look(html, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(html, look, scheme):
    page = look(html, color_scheme=scheme)
    assert page.evaluate(CONTRAST) == []


def test_dark_mode_is_dark(html, look):
    page = look(html, color_scheme="dark")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == "rgb(18, 22, 29)"


def test_the_keyboard_reaches_everything(html, look):
    page = look(html)
    wanted = page.evaluate(
        """() => {
          const all = [...document.querySelectorAll('a[href], button, input, summary')];
          const shown = all.filter((e) => e.checkVisibility());
          shown.forEach((e, i) => { e.dataset.number = i; });
          return shown.length;
        }"""
    )
    reached = set()
    for _ in range(3 * wanted):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.number"))
    assert len(reached - {None}) == wanted


def test_numbers_are_there_without_javascript(html, look, trained):
    page = look(html, java_script_enabled=False)
    text = page.inner_text("main")
    metrics = trained.result("first")["metrics"]
    assert f"{metrics['auc']:.4f}" in text
    matrix = page.inner_text(".matrix").split()
    counts = [int(word.replace(",", "")) for word in matrix if word[0].isdigit() and len(word) > 1]
    assert sum(counts) == metrics["example_count"]
    assert not page.is_visible("#search")


def test_on_paper_everything_is_open(html, look):
    page = look(html)
    assert page.locator("details[open]").count() == 0
    assert page.pdf()[:5] == b"%PDF-"
    assert page.locator("details:not([open])").count() == 0


HOSTILE = (
    "<script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 2'>",
    '"><svg onload=window.hit=3>',
    "</script><script>window.hit = 4</script>",
    "{{ 7 * 7 }}",
    "' onmouseover='window.hit = 5",
    "javascript:window.hit = 6",
    "Straße 東京 ‮ 😀",
)


def make_hostile(project) -> None:
    """Changes columns, values, slices and messages of a run into what tries to be code."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    for file in project.home.glob("StatisticsGen/statistics/*/Split-*/FeatureStats.pb"):
        parsed = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
        for feature, name in zip(parsed.datasets[0].features, HOSTILE * 3, strict=False):
            feature.path.step[0] = name + feature.path.step[0]
            for bucket, value in zip(
                feature.string_stats.rank_histogram.buckets, HOSTILE, strict=False
            ):
                bucket.label = value
        file.write_bytes(parsed.SerializeToString())
    (file,) = project.home.glob("Evaluator/evaluation/*/details.json")
    found = json.loads(file.read_text())
    for of_slice, name in zip(found["slices"][1:], HOSTILE, strict=False):
        of_slice["slice"] = [[name, name]]
    for of_slice, name in zip(found["weak_slices"]["slices"], HOSTILE, strict=False):
        of_slice["slice"] = [[name, name]]
    file.write_text(json.dumps(found))
    run = project.home / "runs" / "first" / "run.json"
    result = json.loads(run.read_text())
    for node, text in zip(result["nodes"].values(), HOSTILE, strict=False):
        node["note"], node["reason"] = text, text
    run.write_text(json.dumps(result))


@pytest.fixture(scope="module")
def hostile_html(trained, tmp_path_factory) -> str:
    """The report of such a run."""
    project = copy_of(trained, tmp_path_factory.mktemp("hostile") / "taxi")
    make_hostile(project)
    return html_of(project)


def test_hostile_names_and_values_are_shown_and_never_executed(hostile_html, look):
    page = look(hostile_html)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.mouse.move(300, 300)
    page.fill("#search", "<script>")
    page.fill("#search", "")
    tables = ("#run", "#slice-table", "#weak-slices")
    for button in page.locator(", ".join(f"{table} th button" for table in tables)).all():
        button.click()
    assert page.evaluate("window.hit") is None
    text = page.inner_text("main")
    names = page.eval_on_selector_all(".feature", "all => all.map(f => f.dataset.name)")
    for value in HOSTILE:
        assert value in text
        assert any(name.startswith(value) for name in names)
    assert page.evaluate("document.querySelectorAll('main script:not([type])').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1200


def with_details(trained, folder, task, labels, predictions, names=()) -> str:
    """The report of the run, as if its task were another one."""
    weights = np.ones(len(labels))
    rows = all_rows.of_all_rows(task, labels, predictions, weights, names)
    candidate = {
        "metrics": rows.metrics(),
        "intervals": intervals.of(rows),
        "curves": curves.of(rows),
    }
    project = copy_of(trained, folder)
    (file,) = project.home.glob("Evaluator/evaluation/*/details.json")
    slices = [{"slice": [], "candidate": candidate}]
    file.write_text(json.dumps({"version": 1, "task": task, "label": "y", "slices": slices}))
    return html_of(project)


def test_a_model_of_many_classes_has_metrics_by_class_and_a_matrix(trained, look, tmp_path):
    random = np.random.default_rng(0)
    names = ["<b>one</b>", "two", "größer"]
    labels, predictions = random.integers(0, 3, 300), random.dirichlet([1, 1, 1], 300)
    page = look(with_details(trained, tmp_path / "taxi", "multiclass", labels, predictions, names))
    rows = page.eval_on_selector_all(".heat tbody tr", "all => all.map(r => r.innerText)")
    order = [row.split("\t")[0] for row in rows]
    assert sorted(order) == sorted(names)
    counts = [[int(cell) for cell in row.split("\t")[1:]] for row in rows]
    ids = [names.index(name) for name in order]
    predicted = predictions.argmax(axis=1)
    assert counts == [[int(((labels == i) & (predicted == j)).sum()) for j in ids] for i in ids]
    assert page.locator("#metrics table.sortable").nth(1).locator("tbody tr").count() == 3


def test_a_regression_has_residuals_and_predicted_against_actual(trained, look, tmp_path):
    random = np.random.default_rng(0)
    labels = random.normal(100, 20, 300)
    predictions = labels + random.normal(0, 5, 300)
    page = look(with_details(trained, tmp_path / "taxi", "regression", labels, predictions))
    assert page.locator("#metrics circle.point").count() == 300
    assert "Residuals" in page.inner_text("#metrics")
    assert page.locator("#metrics rect.bar").count() > 10
