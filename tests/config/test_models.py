import pydantic
import pytest

from tfx_pipeline.config import error_messages
from tfx_pipeline.config.models import Config

SMALL = {
    "name": "shop",
    "data": {"path": "data"},
    "label": {"name": "bought", "task": "binary"},
    "features": {"price": {"transform": "log"}},
}


def test_the_smallest_configuration_has_defaults_for_the_rest():
    config = Config.model_validate(SMALL)
    assert config.training.steps is None
    assert config.training.effort == "standard"
    assert config.data.split.shares == {"train": 6, "eval": 2, "test": 2}
    assert config.data.split.rule is None
    assert config.model_name == "shop"
    assert config.push_dir == "build/serving/shop"


@pytest.mark.parametrize(
    ("task", "metric"), [("binary", "auc"), ("multiclass", "accuracy"), ("regression", "mean_")]
)
def test_metrics_default_to_those_of_the_task(task, metric):
    config = Config.model_validate({**SMALL, "label": {"name": "bought", "task": task}})
    assert any(name.startswith(metric) for name in config.evaluation.metrics)


def test_a_configuration_cannot_be_changed():
    config = Config.model_validate(SMALL)
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        config.training.steps = 5


def test_what_is_dumped_loads_again():
    config = Config.model_validate(SMALL)
    assert Config.model_validate(config.dump()) == config


@pytest.mark.parametrize(
    "metadata", ["sqlite", "mysql://me@host/db", "mysql://me@host:3307/metadata_db"]
)
def test_stores_of_metadata(metadata):
    config = Config.model_validate({**SMALL, "metadata": metadata})
    assert str(config.metadata) == metadata
    assert config.dump()["metadata"] == metadata


def test_known_keys_are_those_of_the_file_and_not_of_the_class():
    keys = error_messages.known_keys((), {})
    assert "schema" in keys
    assert "schema_source" not in keys
    assert "folder" not in keys


@pytest.mark.parametrize(
    ("training", "processes"),
    [
        ({}, 1),
        ({"strategy": "mirrored"}, 1),
        ({"strategy": "multi_worker"}, 2),
        ({"strategy": "multi_worker", "workers": 5}, 5),
    ],
)
def test_how_many_processes_train(training, processes):
    config = Config.model_validate({**SMALL, "training": training})
    assert config.training.processes == processes


@pytest.mark.parametrize(
    ("where", "key"),
    [
        (("data", "split"), "train"),
        (("training", "early_stopping"), "patience"),
        (("evaluation", "thresholds", "auc"), "min"),
        (("features", "price"), "fill_value"),
    ],
)
def test_known_keys_of_sections_below(where, key):
    assert key in error_messages.known_keys(where, SMALL)


@pytest.mark.parametrize(
    ("split", "rule", "no_features"),
    [
        ({"by": "customer"}, ("by", "customer"), ("customer",)),
        ({"time": "when"}, ("time", "when"), ()),
        ({"column": "part"}, ("column", "part"), ("part",)),
        ({"stratify": True}, None, ()),
    ],
)
def test_what_divides_the_rows(split, rule, no_features):
    config = Config.model_validate({**SMALL, "data": {"path": "data", "split": split}})
    assert config.data.split.rule == rule
    assert config.data.split.no_features == no_features


def test_only_one_rule_divides_the_rows():
    data = {"path": "data", "split": {"by": "customer", "stratify": True}}
    with pytest.raises(pydantic.ValidationError, match="has by and stratify; only one can decide"):
        Config.model_validate({**SMALL, "data": data})
