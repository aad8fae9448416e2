"""The section `tuning`: its space, what is searched by default, and what is refused."""

from __future__ import annotations

import pytest

from tfx_pipeline.config import tuning
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.models import Config
from tfx_pipeline.config.training import Model, NumericEmbedding, Training
from tfx_pipeline.errors import ConfigError

SMALL = {
    "name": "shop",
    "data": {"path": "data"},
    "label": {"name": "bought", "task": "binary"},
    "features": {"price": {"transform": "log"}},
}
NETWORK = ["learning_rate", "weight_decay", "dropout", "width", "depth", "bins", "size"]


def problem(project, text):
    with pytest.raises(ConfigError) as caught:
        load_config(project / "pipeline.yaml", [f"tuning={text}"])
    (found,) = caught.value.problems
    return f"{found.where}: {found.message}. {found.remedy}"


def test_without_the_section_there_is_no_search():
    assert Config.model_validate(SMALL).tuning is None


@pytest.mark.parametrize(
    ("task", "stopping", "metric"),
    [
        ("binary", {}, "auc"),
        ("binary", {"early_stopping": {"metric": "loss"}}, "loss"),
        ("regression", {"early_stopping": None}, "root_mean_squared_error"),
    ],
)
def test_the_metric_is_that_of_early_stopping(task, stopping, metric):
    values = {**SMALL, "label": {"name": "bought", "task": task}, "training": stopping}
    config = Config.model_validate({**values, "tuning": {}})
    assert config.tuning.metric == metric
    assert config.tuning.trials == 30
    own = Config.model_validate({**values, "tuning": {"metric": "mean_absolute_error"}})
    assert own.tuning.metric == "mean_absolute_error"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{space: {learnin_rate: [0.1, 0.2]}}",
            "tuning.space.learnin_rate: there is no parameter 'learnin_rate'. "
            "Did you mean 'learning_rate'?",
        ),
        (
            "{space: {dropout: {min: 0.5, max: 1.5}}}",
            "tuning.space.dropout: cannot be 1.5: it must be less than 1. ",
        ),
        (
            "{space: {width: {min: 0.5, max: 20}}}",
            "tuning.space.width: must be a whole number from 1 to 8192, found 0.5. ",
        ),
        (
            "{space: {wide: {min: 0, max: 1}}}",
            "tuning.space.wide: is no number and has no range. Write a list of values",
        ),
        (
            "{space: {batch_size: [32, true]}}",
            "tuning.space.batch_size: must not be true or false, found true. ",
        ),
        (
            "{space: {}}",
            "tuning.space: names no parameter. Name one, or leave it out for the default space",
        ),
        (
            "{metric: precision}",
            "tuning.metric: 'precision' is not computed during the training of a binary label. "
            "Use one of loss, auc, binary_accuracy, binary_crossentropy",
        ),
        (
            "{tuner_fn: mine.tuner_fn, space: {width: [8, 16]}}",
            "tuning.space: is for the library's own search, not for tuning.tuner_fn. Remove one",
        ),
        (
            "{tuner_fn: mine.tuner_fn, workers: 2}",
            "tuning.workers: is for the library's own search, not for tuning.tuner_fn. Remove one",
        ),
        (
            "{tuner_fn: a.b, candidates: 2}",
            "tuning.candidates: is for the library's own search, not for tuning.tuner_fn. Remove",
        ),
        ("{candidates: -1}", "tuning.candidates: must be at least 0, found -1. "),
        ("{trials: 0}", "tuning.trials: must be above 0, found 0. "),
        ("{timeout: 0s}", "tuning.timeout: must be a duration above 0"),
    ],
)
def test_what_is_wrong_is_named(project, text, message):
    found = problem(project, text)
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("split", "candidates"),
    [
        ({}, 4),
        ({"stratify": True}, 4),
        ({"by": "customer"}, 0),
        ({"time": "day"}, 0),
        ({"folders": True}, 0),
    ],
)
def test_other_rows_are_held_out_only_if_each_row_can_be_in_any_split(split, candidates):
    values = {**SMALL, "data": {"path": "data", "split": split}}
    assert Config.model_validate({**values, "tuning": {}}).tuning.candidates == candidates
    own = Config.model_validate({**values, "tuning": {"candidates": 1}})
    assert own.tuning.candidates == 1


def test_candidates_are_refused_where_time_divides_the_rows(project):
    text = ["tuning={candidates: 2}", "data.split.time=trip_start_timestamp"]
    with pytest.raises(ConfigError) as caught:
        load_config(project / "pipeline.yaml", text)
    assert (
        "tuning.candidates: needs rows that can be in any split, but data.split.time divides them"
    ) in str(caught.value)
    assert load_config(project / "pipeline.yaml", ["tuning={candidates: 0}", text[1]])


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("{min: 0.1, max: 0.1}", "min (0.1) must be below max (0.1)"),
        ("{min: 0, max: 0.1, log: true}", "min must be above 0 with log: true, found 0"),
        ("{min: 0.1, max: 0.2, log: true, step: 0.01}", "step and log exclude each other"),
    ],
)
def test_ranges_that_are_none(project, wanted, message):
    with pytest.raises(ConfigError) as caught:
        load_config(project / "pipeline.yaml", [f"tuning={{space: {{learning_rate: {wanted}}}}}"])
    assert message in str(caught.value)


def test_values_of_every_kind_can_be_searched(project):
    space = (
        "{width: {min: 8, max: 64, step: 8}, depth: [1, 2], wide: [true, false], "
        "class_weights: [none, balanced], bins: {min: 4, max: 32, log: true}}"
    )
    config = load_config(project / "pipeline.yaml", [f"tuning={{space: {space}}}"])
    assert config.tuning.space["wide"] == (True, False)
    assert config.tuning.space["width"].step == 8
    assert Config.model_validate(config.dump()).tuning == config.tuning


def test_what_the_configuration_sets_is_not_searched_by_default():
    model = Model(hidden_units=(64,), numeric_embedding=NumericEmbedding(size=4))
    found = tuning.set_names(model, Training(learning_rate=0.1))
    assert found == {"width", "depth", "size", "learning_rate"}
    assert list(tuning.default_space("network", frozenset(), True)) == NETWORK
    assert list(tuning.default_space("network", found, True)) == ["weight_decay", "dropout", "bins"]
    assert list(tuning.default_space("network", frozenset(), False)) == NETWORK[:-2]
    linear = list(tuning.default_space("linear", frozenset(), False))
    assert linear == ["learning_rate", "weight_decay", "l2"]


def test_a_configuration_that_was_dumped_sets_the_same():
    config = Config.model_validate({**SMALL, "training": {"weight_decay": 0.1}})
    again = Config.model_validate(config.dump())
    for each in (config, again):
        assert tuning.set_names(each.model, each.training) == {"weight_decay"}
