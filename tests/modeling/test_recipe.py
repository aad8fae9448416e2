"""What `training.effort` chooses, and that a value of the configuration wins."""

from __future__ import annotations

import pytest

from tfx_pipeline.config.training import EarlyStopping, Model, NumericEmbedding, Training
from tfx_pipeline.modeling import recipe


def test_every_key_has_a_value():
    model, training = recipe.complete(Model(), Training(), rows=10_000, columns=12, cores=2)
    assert None not in model.model_dump().values()
    chosen = training.model_dump()
    assert chosen.pop("workers") is None  # only of the strategy multi_worker
    assert None not in chosen.values()
    assert model.numeric_embedding.bins
    assert training.early_stopping.patience


def test_a_value_of_the_configuration_wins():
    given = Model(
        hidden_units=(5,), ensemble=3, dropout=0.0, numeric_embedding=NumericEmbedding(bins=7)
    )
    stopping = EarlyStopping(metric="loss", patience=2)
    wanted = Training(
        steps=7, batch_size=9, eval_every=3, learning_rate=0.5, early_stopping=stopping
    )
    model, training = recipe.complete(given, wanted, rows=10_000, columns=12, cores=2)
    assert (model.hidden_units, model.ensemble, model.dropout) == ((5,), 3, 0.0)
    assert model.numeric_embedding.bins == 7
    assert training == wanted


@pytest.mark.parametrize("effort", recipe.EFFORTS)
@pytest.mark.parametrize("rows", [1, 3, 150, 20_000, 2_000_000])
def test_any_number_of_rows_can_be_trained(effort, rows):
    _, training = recipe.complete(Model(), Training(effort=effort), rows, columns=3, cores=1)
    assert 1 <= training.eval_every <= training.steps
    assert training.batch_size >= 1


def test_more_effort_and_more_cores_train_longer():
    def steps(effort, cores):
        return recipe.complete(Model(), Training(effort=effort), 10**6, 50, cores)[1].steps

    assert steps("quick", 2) < steps("standard", 2) < steps("standard", 8)


def test_a_linear_model_has_neither_layers_nor_members():
    for model in (Model(type="linear"), Model(hidden_units=())):
        found, _ = recipe.complete(model, Training(), rows=100, columns=3, cores=1)
        assert (found.hidden_units, found.ensemble) == ((), 1)
        assert found.numeric_embedding.type == "none"
