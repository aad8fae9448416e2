"""Real rows through Transform and a short training, once for all tests here."""

from __future__ import annotations

import pytest
import yaml

from tests.modeling import harness
from tfx_pipeline.config.models import Config


@pytest.fixture(scope="session")
def taxi_rows():
    return harness.taxi_rows(0, 900)


@pytest.fixture(scope="session")
def taxi(tmp_path_factory, taxi_rows):
    """The bundled example's features on a few hundred real rows."""
    file = harness.REPOSITORY / "pipeline.yaml"
    dumped = Config.model_validate(yaml.safe_load(file.read_text())).dump()
    config = {"features": dumped["features"], "label": dumped["label"]}
    splits = {"train": taxi_rows[:600], "eval": taxi_rows[600:]}
    folder = tmp_path_factory.mktemp("taxi")
    return harness.transform(folder, config, harness.TAXI_SCHEMA, splits)


@pytest.fixture(scope="session")
def taxi_model(tmp_path_factory, taxi):
    """A short training's saved model."""
    return harness.train(taxi, tmp_path_factory.mktemp("model"), **harness.SHORT)


@pytest.fixture(scope="session")
def server(taxi_model):
    return harness.Server(taxi_model)
