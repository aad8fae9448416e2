"""Uploading and starting, with kfp's own client over HTTP (see fake_kfp)."""

from __future__ import annotations

import pytest

from tests.orchestrators.kubeflow import fake_kfp, plans
from tfx_pipeline import errors
from tfx_pipeline.config.kubeflow import Kubeflow, Schedule
from tfx_pipeline.orchestrators.kubeflow import submission


@pytest.fixture
def api(monkeypatch):
    for name in ("TFX_PIPELINE_KFP_TOKEN", "TFX_PIPELINE_KFP_COOKIES"):
        monkeypatch.delenv(name, raising=False)
    with fake_kfp.serve() as running:
        yield running


@pytest.fixture
def file(bundled_kfp, tmp_path):
    path = tmp_path / "taxi.yaml"
    path.write_text(bundled_kfp)
    return path


def submit(api, file, version="one", **section):
    return submission.submit(
        file,
        plans.bundled(),
        Kubeflow.model_validate({"service_account": "runner", **section}),
        submission.Target(host=api.url),
        version,
    )


def test_the_first_time_makes_the_pipeline_a_version_and_a_run(api, file):
    result = submit(api, file)
    assert [p["display_name"] for p in api.pipelines] == ["chicago-taxi"]
    assert [v["display_name"] for v in api.versions] == ["one"]
    assert api.runs[0]["service_account"] == "runner"
    assert api.runs[0]["pipeline_version_reference"]["pipeline_version_id"] == "v0"
    assert result["run_id"] == "r0"


def test_the_next_time_adds_a_version(api, file):
    submit(api, file)
    submit(api, file, "two")
    assert len(api.pipelines) == 1
    assert [v["pipeline_id"] for v in api.versions] == ["p0", "p0"]


def test_a_schedule_takes_the_place_of_the_earlier_one(api, file):
    schedule = Schedule(cron="0 6 * * *", parameters={"steps": 500})
    for version in ("one", "two"):
        result = submit(api, file, version, schedule=schedule)
    assert len(api.recurring) == 1
    assert api.recurring[0]["recurring_run_id"] == result["recurring_run_id"]
    assert api.recurring[0]["trigger"]["cron_schedule"]["cron"] == "0 0 6 * * *"
    assert api.recurring[0]["runtime_config"]["parameters"] == {"steps": 500}
    assert api.recurring[0]["no_catchup"] is True
    assert api.runs == []


def test_the_earlier_schedule_may_be_on_a_later_page(api, file):
    schedule = Schedule(cron="0 6 * * *")
    submit(api, file, "one", schedule=schedule)
    mine = api.recurring.pop()
    others = [{"recurring_run_id": f"o{n}", "display_name": "other"} for n in range(250)]
    api.recurring = [*others, mine]
    submit(api, file, "two", schedule=schedule)
    left = [run["recurring_run_id"] for run in api.recurring]
    assert len(left) == 251
    assert left[:-1] == [f"o{n}" for n in range(250)]


def test_a_token_comes_from_the_environment(api, file, monkeypatch):
    api.token = "s3cret"
    with pytest.raises(errors.ConfigError, match=r"requires authentication \(401\)"):
        submit(api, file)
    monkeypatch.setenv("TFX_PIPELINE_KFP_TOKEN", "old")
    with pytest.raises(errors.ConfigError, match="does not accept TFX_PIPELINE_KFP_TOKEN"):
        submit(api, file)
    monkeypatch.setenv("TFX_PIPELINE_KFP_TOKEN", "s3cret")
    assert submit(api, file)["run_id"] == "r0"


def test_a_host_that_is_not_there(file):
    class Nowhere:
        url = "http://127.0.0.1:1"

    with pytest.raises(errors.ConfigError, match=r"127\.0\.0\.1:1 cannot be reached"):
        submit(Nowhere, file)


def test_a_version_of_kubeflow_without_the_api(api, file):
    api.health = 404
    with pytest.raises(errors.ConfigError, match="it needs Kubeflow Pipelines 2 or later"):
        submit(api, file)


def test_what_the_server_refuses_is_told(api, file):
    submit(api, file)
    with pytest.raises(errors.ConfigError, match=r"refused \(409\): version one exists"):
        submit(api, file)
