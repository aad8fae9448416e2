"""A real run of the local runner, followed on the page."""

from __future__ import annotations

import subprocess

import pytest

from tests.projects import environment
from tests.report.conftest import copy_of
from tests.report.ui.conftest import served

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RECORD = """() => {
  window.seen = [];
  const note = () => {
    for (const row of document.querySelectorAll('#nodes tbody tr')) {
      const text = row.dataset.node + ' ' + row.cells[1].innerText;
      if (!window.seen.includes(text)) window.seen.push(text);
    }
  };
  note();
  new MutationObserver(note).observe(document.getElementById('now'), {childList: true});
}"""


@pytest.fixture(scope="module")
def followed(trained, tmp_path_factory, chromium):
    """A page, its project, and what a browser saw of the run `live` and its log."""
    project = copy_of(trained, tmp_path_factory.mktemp("live") / "taxi")
    options = ["--run-id", "live", "--no-cache", "--set", "training.steps=300"]
    with served(project.folder) as ui:
        run = subprocess.Popen(
            project.command(*options),
            cwd=project.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        context = chromium.new_context()
        context.set_default_timeout(0)
        page = context.new_page()
        lines = []
        for line in run.stderr:
            lines.append(line)
            if "http://" in line:
                break
        address = lines[-1].partition("Look at it: ")[2].strip()
        assert address == ui.url("/runs/chicago-taxi/live")
        while page.goto(address).status != 200:
            assert run.poll() is None
        page.evaluate(RECORD)
        grown = []
        page.wait_for_selector("#nodes .tag.running")
        in_list = ui.get("/").text
        while run.poll() is None and len(grown) < 3:
            text = page.text_content("#log") or ""
            if text and text not in grown:
                grown.append(text)
            page.wait_for_timeout(200)
        page.wait_for_selector(".verdict.good, .verdict.bad")
        seen = page.evaluate("window.seen || []")  # the page is opened again at the end
        _, log = run.communicate()
        assert run.returncode == 0, log
        yield ui, project, {"seen": seen, "grown": grown, "in_list": in_list, "page": page}
        context.close()


def test_each_state_is_seen(followed):
    _, project, found = followed
    page = found["page"]
    titles = page.eval_on_selector_all(".graph title", "all => all.map(t => t.textContent)")
    nodes = project.result("live")["nodes"]
    assert sorted(titles) == sorted(f"{name}: {node['state']}" for name, node in nodes.items())


def test_the_list_shows_that_it_runs(followed):
    ui, _, found = followed
    assert 'class="tag running"' in found["in_list"]
    assert 'class="tag running"' not in ui.get("/").text


def test_the_log_of_what_runs_is_shown(followed):
    _, project, found = followed
    logs = [file.read_text() for file in (project.home / "runs/live/logs").glob("*.log")]
    assert found["grown"]
    assert all(any(text in log for log in logs) for text in found["grown"])


def test_what_is_added_to_a_log_appears(followed, visit):
    ui, project, _ = followed
    page = visit(ui.url("/runs/chicago-taxi/live?log=Trainer"))
    file = project.home / "runs" / "live" / "logs" / "Trainer.log"
    before = file.read_text()
    page.locator("#log", has_text=before.splitlines()[-1]).wait_for()
    with file.open("ab") as log:
        log.write(b"first \xe6\x9d")  # a character in two pieces
        log.flush()
        page.locator("#log", has_text="first").wait_for()
        assert page.text_content("#log") == before + "first "
        log.write(b"\xb1 <b>second</b>\n")
    page.locator("#log", has_text="second").wait_for()
    assert page.text_content("#log") == before + "first 東 <b>second</b>\n"
    file.write_text("begun anew\n")
    page.locator("#log", has_text="begun").wait_for()
    assert page.text_content("#log") == "begun anew\n"


def test_two_runs_are_compared(followed, visit):
    ui, project, _ = followed
    page = visit(ui.url("/runs/chicago-taxi/live"))
    page.select_option("#other", "first")
    page.click("text=Show side by side")
    page.wait_for_url("**/compare?*")
    before, after = (project.result(name)["metrics"]["auc"] for name in ("first", "live"))
    row = page.locator("#numbers tr", has_text="auc").first.inner_text()
    assert f"{before:.4f}" in row
    assert f"{after:.4f}" in row
    assert "steps" in page.inner_text("#configuration")
    assert "300" in page.inner_text("#configuration")
    assert page.locator("#numbers h3", has_text="Slices that changed most").count() == 1
