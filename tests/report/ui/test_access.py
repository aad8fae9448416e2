"""Who may read the page, and who may change something."""

from __future__ import annotations

import json
import re
import shutil
import urllib.parse

import httpx
import pytest

from tests.report.conftest import copy_of
from tests.report.ui.conftest import served
from tfx_pipeline.serving.local_server.process import LocalServer

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def acting(trained, tmp_path_factory):
    """A page that may change something, and its project, whose model has a second version."""
    copy = copy_of(trained, tmp_path_factory.mktemp("acting") / "taxi")
    pushed = copy.folder / "build" / "serving" / "chicago-taxi"
    shutil.copytree(pushed / copy.versions[0], pushed / str(int(copy.versions[0]) + 1))
    with served(copy.folder, "--allow-actions") as running:
        yield running, copy


@pytest.fixture
def client(acting):
    """A client that has opened the address with the token."""
    ui, _ = acting
    with httpx.Client(
        follow_redirects=True, timeout=None, headers={"Origin": ui.url("")}
    ) as opened:
        assert opened.get(ui.address).status_code == 200
        yield opened


def form_token(client, ui) -> str:
    return re.search(r'name="form_token" value="([^"]+)"', client.get(ui.url("/")).text)[1]


def test_another_name_of_this_machine_is_refused(ui):
    port = urllib.parse.urlsplit(ui.address).port
    assert ui.get("/", headers={"Host": f"localhost:{port}"}).status_code == 200
    for host in (f"rebound.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", ""):
        found = ui.get("/", headers={"Host": host})
        assert found.status_code in (400, 403), host
        assert "first" not in found.text


def test_no_other_site_may_read_embed_or_script_the_page(ui):
    found = ui.get("/", headers={"Origin": "http://elsewhere.example"})
    assert not [name for name in found.headers if name.startswith("access-control")]
    policy = found.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert found.headers["Cache-Control"] == "no-store"
    assert re.findall(r"<script(?! src=)|<style| style=| on\w+=", found.text) == []


def test_a_report_is_kept_from_the_origin_of_the_page(ui):
    found = ui.get("/runs/chicago-taxi/first/report")
    assert "sandbox allow-scripts" in found.headers["Content-Security-Policy"]


def test_a_read_only_page_changes_nothing(ui):
    for name in ("start", "promote", "canary", "rollback"):
        found = httpx.post(ui.url(f"/actions/{name}"), data={"form_token": "x"})
        assert found.status_code == 403
        assert "read-only" in found.text
    assert '<button type="submit" class="action"' not in ui.get("/").text


def test_without_the_token_nothing_is_shown(acting):
    ui, _ = acting
    for path in ("/", "/models", "/static/ui.js", "/runs/chicago-taxi/first/log?log=Trainer"):
        found = ui.get(path)
        assert found.status_code == 403
        assert "contains the token" in found.text
    assert ui.get("/?token=wrong").status_code == 403


def test_the_token_becomes_a_cookie_and_leaves_the_address(acting):
    ui, _ = acting
    found = httpx.get(ui.address.replace("/?", "/models?a=b&"), timeout=None)
    assert found.status_code == 303
    assert found.headers["Location"] == "/models?a=b"
    assert "HttpOnly" in found.headers["Set-Cookie"]
    assert "SameSite=Strict" in found.headers["Set-Cookie"]


def test_a_form_without_a_valid_token_or_from_elsewhere_is_refused(acting, client):
    ui, project = acting
    state = project.folder / "build" / "serving" / "chicago-taxi.traffic.json"
    before = state.exists() and state.read_text()
    right = form_token(client, ui)
    data = {"pipeline": "chicago-taxi", "version": project.versions[0], "form_token": right}
    path = ui.url("/actions/promote")
    refused = [
        client.post(path, data={**data, "form_token": ""}),
        client.post(path, data={**data, "form_token": right[:-1]}),
        client.post(path, data=data, headers={"Origin": "http://elsewhere.example"}),
        client.post(path, data=data, headers={"Origin": "null"}),
        client.post(path, data=data, headers={"Sec-Fetch-Site": "cross-site"}),
        httpx.post(path, data=data),  # no cookie
    ]
    assert [found.status_code for found in refused] == [403] * 6
    assert client.get(path, params=data).status_code == 405
    assert (state.exists() and state.read_text()) == before


def test_a_version_is_promoted_and_rolled_back(acting, visit):
    ui, project = acting
    state = project.folder / "build" / "serving" / "chicago-taxi.traffic.json"
    page = visit(ui.address)
    page.click("text=Models")
    version = project.versions[0]
    page.locator("tr", has_text=version).get_by_role("button", name="Promote").click()
    page.wait_for_selector(".done")
    assert page.inner_text(".done") == f"Version {version} of chicago-taxi is stable now."
    assert json.loads(state.read_text())["state"]["labels"] == {"stable": int(version)}
    assert page.inner_text(".tag.good") == "stable"
    page.click("text=Roll back the last change")
    page.wait_for_selector("text=is undone")
    assert json.loads(state.read_text())["state"]["labels"] == {}


def test_a_canary_gets_its_share(acting, client, visit):
    ui, project = acting
    state = project.folder / "build" / "serving" / "chicago-taxi.traffic.json"
    stable, canary = project.versions
    form = {"pipeline": "chicago-taxi", "form_token": form_token(client, ui)}
    early = client.post(ui.url("/actions/canary"), data={**form, "version": canary, "percent": 5})
    assert "no version is stable" in early.text
    client.post(ui.url("/actions/promote"), data={**form, "version": stable})
    page = visit(ui.address)
    page.click("text=Models")
    assert page.locator("select[name=version] option").all_inner_texts() == [canary]
    page.fill("input[name=percent]", "12.5")
    page.click("text=Make it the canary")
    page.wait_for_selector(".done")
    done = f"Version {canary} of chicago-taxi receives 12.5 % of the rows now."
    assert page.inner_text(".done") == done
    assert page.inner_text(".tag.warn") == "canary 12.5 %"
    wanted = {"labels": {"stable": int(stable), "canary": int(canary)}, "canary_percent": 12.5}
    assert json.loads(state.read_text())["state"] == wanted
    for percent in ("101", "-1", "nan", "much", ""):
        data = {**form, "version": canary, "percent": percent}
        found = client.post(ui.url("/actions/canary"), data=data)
        assert found.status_code == 422, percent
    assert json.loads(state.read_text())["state"] == wanted
    for _ in range(2):
        client.post(ui.url("/actions/rollback"), data=form)
    assert json.loads(state.read_text())["state"]["labels"] == {}


def test_the_states_on_a_server_are_shown(trained, visit):
    folder = trained.folder / "build" / "serving" / "chicago-taxi"
    options = ["--model-name", "chicago-taxi", "--model-base-path", str(folder)]
    with LocalServer(*options) as server, served(trained.folder, "--target", server.grpc) as ui:
        page = visit(ui.url("/models"))
        row = page.locator("tr", has_text=trained.versions[0]).inner_text()
        assert "AVAILABLE" in row
        server.kill()
        page.reload()
        assert "UNAVAILABLE" in page.inner_text("main")
        assert trained.versions[0] in page.inner_text("main")


def test_a_version_that_is_not_there_is_said(acting, client):
    ui, _ = acting
    data = {"pipeline": "chicago-taxi", "version": "7", "form_token": form_token(client, ui)}
    found = client.post(ui.url("/actions/promote"), data=data)
    assert found.status_code == 422
    assert "is not a version of chicago-taxi" in found.text


def test_a_run_is_started_and_followed(acting, visit):
    ui, project = acting
    page = visit(ui.address)
    page.click("text=Start a run of chicago-taxi")
    page.wait_for_url("**/runs/chicago-taxi/*")
    run_id = page.inner_text("h1")
    page.wait_for_selector("h2:text-matches('^(Starting|Running)$')")
    page.wait_for_selector(".verdict.good, .verdict.bad")
    assert project.result(run_id)["state"] == "complete"
    page.goto(f"{page.url.partition('?')[0]}?log=start")
    page.locator("#log", has_text="Look at it").wait_for()


def test_a_run_that_cannot_be_started_says_why(trained, visit, tmp_path):
    copy = copy_of(trained, tmp_path / "taxi")
    with served(copy.folder, "--allow-actions") as ui:
        (copy.folder / "pipeline.yaml").write_text("nmae: x\n")
        page = visit(ui.address)
        page.click("text=Start a run of chicago-taxi")
        page.wait_for_url("**/runs/chicago-taxi/*")
        page.wait_for_selector("h2:text-is('Stopped')")
        page.locator("#log", has_text="nmae").wait_for()
        assert "ended before its first node" in page.inner_text("#verdict")
        page.goto("about:blank")  # before the server ends


def test_a_page_that_others_can_reach_needs_a_token(trained):
    with served(trained.folder, "--host", "0.0.0.0") as ui:
        assert "token=" in ui.address
        assert ui.get("/").status_code == 403
        assert httpx.get(ui.address, follow_redirects=True, timeout=None).status_code in (200, 403)
        with httpx.Client(follow_redirects=True, timeout=None) as client:
            assert client.get(ui.address).status_code == 200
