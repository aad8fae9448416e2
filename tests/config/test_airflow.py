"""The section `airflow:`: what it takes, and what it says of what it does not take."""

from __future__ import annotations

import re

import pytest

from tests.projects import REPOSITORY
from tfx_pipeline import ConfigError, load_config
from tfx_pipeline.config.airflow import PRESETS


def airflow(shop, *settings: str):
    return load_config(shop, [f"airflow.{setting}" for setting in settings]).airflow


def refusal(shop, *settings: str) -> str:
    with pytest.raises(ConfigError) as caught:
        airflow(shop, *settings)
    return str(caught.value)


@pytest.mark.parametrize("schedule", [*PRESETS, "0 3 * * *", "*/15 8-18 * * mon-fri"])
def test_schedules(shop, schedule):
    assert airflow(shop, f"schedule='{schedule}'").schedule == schedule


@pytest.mark.parametrize("nothing", ["schedule=none", "schedule=null", "catchup=false"])
def test_no_schedule(shop, nothing):
    assert airflow(shop, nothing).schedule is None


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("@dayly", "there is no preset '@dayly'. Did you mean '@daily'?"),
        ("60 * * * *", "must be a cron expression of 5 fields"),
        ("* * * *", "it has 4 fields"),
        ("* * * * * *", "it has 6 fields"),
        ("every day", "it has 2 fields"),
        ("0 0 31 2 *x", "found '0 0 31 2 *x'"),
    ],
)
def test_a_schedule_that_does_not_parse(shop, schedule, message):
    text = refusal(shop, f"schedule='{schedule}'")
    assert "airflow.schedule: " in text
    assert message in text


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "schedul='@daily'",
            "airflow.schedul: unknown key. Did you mean 'schedule'?",
        ),
        (
            "retry_delay=5",
            "airflow.retry_delay: must be a duration such as 30s, 5m, 2h or 1d, found 5",
        ),
        ("retry_delay=5min", "airflow.retry_delay: must be a duration such as 30s, 5m, 2h or 1d"),
        ("retry_delay=0s", "must be a duration"),
        ("retries=-1", "airflow.retries: must be at least 0"),
        ("max_active_runs=0", "airflow.max_active_runs: must be above 0"),
        ("start_date=soon", "airflow.start_date: "),
        ("pool='a pool'", "airflow.pool: must be letters, digits and . _ - only"),
        ("on_failure.email=[nobody]", "airflow.on_failure.email.0: must be an e-mail address"),
        ("on_failure.callback=f", "must be like package.function, found 'f'"),
        ("environment=['A B']", "must be the name of an environment variable"),
        ("artifacts_url=/tmp", "must be a URL that begins with http:// or https://"),
        ("nodes.Trainer.quue=gpu", "airflow.nodes.Trainer.quue: unknown key"),
        ("nodes.Trainer.execution_timeout=1y", "airflow.nodes.Trainer.execution_timeout: must be"),
    ],
)
def test_wrong_values(shop, setting, message):
    assert message in refusal(shop, setting)


def test_a_run_begins_in_one_way(shop):
    text = refusal(shop, "schedule='@daily'", "watch=data/READY")
    assert "airflow: has both 'schedule' and 'watch'" in text


def test_continuous_runs_do_not_overlap(shop):
    assert "max_active_runs: 1" in refusal(shop, "schedule='@continuous'", "max_active_runs=2")


def test_the_watched_file_is_seen_from_the_configuration(shop):
    assert airflow(shop, "watch=data/READY").watch == str(shop.parent / "data" / "READY")


def test_the_examples_of_the_documentation_are_right(shop):
    text = (REPOSITORY / "docs" / "airflow.md").read_text()
    examples = re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)
    assert len(examples) == 2
    minimal = shop.read_text()
    for example in examples:
        shop.write_text(minimal + example)
        assert load_config(shop).airflow.nodes["Trainer"]


def test_the_pools_that_airflow_must_have(shop):
    settings = ("pool=small", "nodes.Trainer.pool=heavy", "nodes.Pusher.pool=default_pool")
    assert airflow(shop, *settings).pools == ("heavy", "small")


def test_a_name_that_airflow_refuses(shop):
    with pytest.raises(ConfigError, match="name: must be 1 to 63 lower-case letters"):
        load_config(shop, ["name=Café pipeline"])
