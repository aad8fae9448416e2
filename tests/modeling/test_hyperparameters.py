"""A Tuner's values in the sections `model` and `training`."""

from __future__ import annotations

import pytest

from tfx_pipeline.config.training import Model, NumericEmbedding, Training
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.modeling import hyperparameters, recipe

pytestmark = pytest.mark.tensorflow


def test_values_come_before_those_of_the_configuration():
    model, training = hyperparameters.applied(
        Model(dropout=0.3, wide=False),
        Training(weight_decay=0.5, effort="best"),
        {"dropout": 0.1, "weight_decay": 0.01, "bins": 9, "learning_rate": 0.02, "wide": True},
    )
    assert (model.dropout, model.wide) == (0.1, True)
    assert model.numeric_embedding == NumericEmbedding(bins=9)
    assert (training.weight_decay, training.learning_rate) == (0.01, 0.02)
    assert training.effort == "best"


def test_a_value_that_is_set_for_the_run_stays():
    _, training = hyperparameters.applied(
        Model(), Training(steps=7, learning_rate=0.1), {"steps": 9, "learning_rate": 0.2}
    )
    assert (training.steps, training.learning_rate) == (7, 0.1)


@pytest.mark.parametrize(
    ("units", "values", "expected"),
    [
        (None, {"width": 32, "depth": 3}, (32, 16, 16)),  # in the proportions of the effort's
        (None, {"width": 32}, (32, 16)),  # as many layers as the effort has
        (None, {"width": 1, "depth": 2}, (1, 1)),
        ((8, 8, 8), {"width": 32}, (32, 32, 32)),
        ((8, 8, 8), {"depth": 1}, (8,)),
        ((8, 4, 6), {"width": 16, "depth": 4}, (16, 8, 12, 12)),
        ((8, 4), {}, (8, 4)),
    ],
)
def test_width_and_depth_are_the_hidden_units(units, values, expected):
    model, _ = hyperparameters.applied(Model(hidden_units=units), Training(), values)
    assert model.hidden_units == expected


@pytest.mark.parametrize(
    "values", [{"width": 0}, {"dropout": 1.5}, {"learning_rate": "much"}, {"depth": "x"}]
)
def test_values_that_cannot_be_are_named(values):
    """As a tuner_fn of the user's own may find them."""
    ((name, value),) = values.items()
    with pytest.raises(ConfigError, match=f"cannot have the Tuner's values {name}={value!r}"):
        hyperparameters.applied(Model(), Training(), values)


def test_names_of_others_are_left_to_the_run_fn():
    model, training = hyperparameters.applied(Model(), Training(), {"own": 3})
    assert (model, training) == (Model(), Training())


@pytest.mark.parametrize("units", [None, (64,), (64, 64), (64, 32, 48)])
def test_values_that_are_read_and_applied_are_the_same_training(units):
    """The first trial of a search trains what a run without the search trains."""
    model = Model(hidden_units=units)
    complete = recipe.complete(model, Training(), rows=5000, columns=7)
    values = hyperparameters.values_of(*complete)
    width, depth = (128, 2) if units is None else (64, len(units))
    expected = {"width": width, "depth": depth, "bins": 48, "dropout": 0.1}
    assert expected.items() <= values.items()
    applied = hyperparameters.applied(model, Training(), values)
    assert recipe.complete(*applied, rows=5000, columns=7) == complete


def test_a_linear_model_has_no_layers_to_search():
    complete = recipe.complete(Model(type="linear"), Training(), rows=5000, columns=7)
    assert {"width", "depth"}.isdisjoint(hyperparameters.values_of(*complete))
