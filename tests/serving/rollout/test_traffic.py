"""Labels, canary and rollback; and which rows the canary receives."""

from __future__ import annotations

import json
import pathlib

import pytest

from tfx_pipeline.errors import ConfigError
from tfx_pipeline.serving import Split
from tfx_pipeline.serving.client.table import from_dicts
from tfx_pipeline.serving.rollout import model_server_config, traffic_state


@pytest.fixture
def pushed(tmp_path):
    """A push folder with versions 1, 2, 3 and whatever else may be there."""
    for name in ("1", "2", "3"):
        (tmp_path / "shop" / name).mkdir(parents=True)
        (tmp_path / "shop" / name / "saved_model.pb").touch()
    (tmp_path / "shop" / "4").mkdir()
    (tmp_path / "shop" / ".tmp-5-host-1").mkdir()
    return traffic_state.load("shop", str(tmp_path / "shop"))


def model_of(found):
    (model,) = model_server_config.read(found.config_file).model_config_list.config
    return model


def refusal(change, *args):
    with pytest.raises(ConfigError) as caught:
        change(*args)
    return str(caught.value)


def test_at_first_the_latest_version_gets_everything(pushed):
    pushed.write()
    model = model_of(pushed)
    assert pushed.versions() == [1, 2, 3]
    assert not model.HasField("model_version_policy")
    assert dict(model.version_labels) == {}


def test_promote_serves_the_labelled_versions(pushed):
    pushed.promoted(1).promoted(3, "next").write()
    model = model_of(pushed)
    assert list(model.model_version_policy.specific.versions) == [1, 3]
    assert dict(model.version_labels) == {"stable": 1, "next": 3}
    assert traffic_state.load("shop", pushed.base_path).state.labels == {"stable": 1, "next": 3}


def test_a_canary_that_is_promoted_ends_the_trial(pushed):
    trial = pushed.promoted(1).with_canary(2, 12.5)
    assert (trial.state.labels, trial.state.canary_percent) == ({"stable": 1, "canary": 2}, 12.5)
    after = trial.promoted(2)
    assert (after.state.labels, after.state.canary_percent) == ({"stable": 2}, 0)


def test_rollback_goes_back_step_by_step(pushed):
    steps = [pushed, pushed.promoted(1)]
    steps.append(steps[-1].with_canary(2, 10))
    steps.append(steps[-1].promoted(2))
    now = steps[-1]
    for before in reversed(steps[:-1]):
        now = now.rolled_back()
        assert now.state == before.state
    assert refusal(now.rolled_back) == "nothing to roll back: the traffic of shop was never changed"


@pytest.mark.parametrize(
    ("change", "args", "message"),
    [
        ("promoted", (9,), "9: is not a version of shop. Known: 1, 2, 3."),
        ("promoted", (4,), "4: is not a version of shop"),
        ("promoted", (1, "b/c"), "--label: must be letters, digits and . _ -, found 'b/c'"),
        ("with_canary", (2, 250), "--percent: must be from 0 to 100, found 250"),
        (
            "with_canary",
            (2, 10),
            "canary: no version is stable. Choose the version for all other rows",
        ),
    ],
)
def test_an_invalid_change(pushed, change, args, message):
    assert message in refusal(getattr(pushed, change), *args)


def test_the_stable_version_is_no_canary(pushed):
    assert "is the stable version" in refusal(pushed.promoted(2).with_canary, 2, 10)


def test_a_rollback_to_a_deleted_version(pushed):
    after = pushed.promoted(1).promoted(2)
    (pathlib.Path(pushed.file).parent / "shop" / "1" / "saved_model.pb").unlink()
    assert "1: is not a version of shop" in refusal(after.rolled_back)


@pytest.mark.parametrize("text", ["{", '{"state": {"canary_percent": 300}}', '{"colour": "red"}'])
def test_a_broken_file(pushed, text):
    pathlib.Path(pushed.file).write_text(text)
    message = refusal(traffic_state.load, "shop", pushed.base_path)
    assert message.startswith(f"{pushed.file}: cannot be read: ")
    assert message.endswith("Correct it or remove it.")


def rows(count):
    return from_dicts([{"taxi": number, "fare": number / 2} for number in range(count)])


def test_a_split_is_stable_and_close_to_its_percentage():
    split = Split(20, key="taxi")
    labels = split.labels(rows(10_000))
    assert labels.count("canary") == pytest.approx(2000, abs=150)
    assert labels == split.labels(rows(10_000))
    larger = Split(30, key="taxi").labels(rows(10_000))
    assert all(after == "canary" for before, after in zip(labels, larger) if before == "canary")


def test_a_split_depends_on_the_key_only():
    one, other = {"taxi": "a", "fare": 1}, {"taxi": "a", "fare": 2}
    table = from_dicts([one, other] * 10)
    assert len(set(Split(50, key="taxi").labels(table))) == 1
    assert len(set(Split(50).labels(rows(100)))) == 2


@pytest.mark.parametrize(("percent", "label"), [(0, "stable"), (100, "canary")])
def test_no_row_and_every_row(percent, label):
    assert set(Split(percent).labels(rows(500))) == {label}


def test_a_wrong_split():
    assert "from 0 to 100" in refusal(Split, 101)
    assert "no column 'taxy'. Did you mean 'taxi'?" in refusal(Split(5, "taxy").labels, rows(1))


def test_a_split_as_canary_has_set_it(pushed):
    assert pushed.split().percent == 0
    assert pushed.promoted(1).with_canary(2, 5).split("taxi") == Split(5, "taxi")


@pytest.fixture
def project(pushed, shop):
    """A configuration whose push folder is that of `pushed`."""
    shop.write_text(shop.read_text() + f"serving: {{push_dir: {pushed.base_path}}}\n")
    return shop


def test_the_commands(project, invoke, pushed):
    config = ("--config", project)
    assert "stable: version 1" in invoke("promote", "1", *config).stdout
    done = invoke("canary", "2", "--percent", "10", *config)
    assert "canary: version 2, 10 % of the rows" in done.stdout
    listed = json.loads(invoke("models", "--json", *config).stdout)
    assert [(row["version"], row["labels"]) for row in listed["versions"]] == [
        (1, ["stable"]),
        (2, ["canary"]),
        (3, []),
    ]
    assert listed["canary_percent"] == 10
    assert "canary 10 %" in invoke("models", *config).stdout
    back = invoke("rollback", "--json", *config)
    assert json.loads(back.stdout)["labels"] == {"stable": 1}
    assert dict(model_of(pushed).version_labels) == {"stable": 1}


def test_wrong_commands(project, invoke):
    done = invoke("promote", "9", "--config", project)
    assert done.returncode == 2
    assert "9: is not a version of shop. Known: 1, 2, 3." in done.stderr
    done = invoke("promote", "1", "--config", project, "--target", "127.0.0.1:1",
                        "--timeout", "0.5")  # fmt: skip
    assert done.returncode == 1
    assert "UNAVAILABLE" in done.stderr


def test_nothing_pushed(shop, invoke):
    done = invoke("models", "--config", shop)
    assert done.returncode == 0
    assert "Nothing has been pushed" in done.stderr
