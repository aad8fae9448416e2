"""A server with the bundled example's model, and rows to ask it about."""

from __future__ import annotations

import csv
import pathlib
import shutil

import pytest

from tests.serving.harness import Asker
from tfx_pipeline.serving import LocalServer

MODEL = "chicago-taxi"


@pytest.fixture(scope="session")
def version(trained) -> pathlib.Path:
    """The pushed SavedModel; read it, or copy it."""
    return trained.folder / "build" / "serving" / MODEL / trained.versions[-1]


@pytest.fixture(scope="session")
def server(version, tmp_path_factory):
    """A server with versions 1 and 2 of one model, shared: change nothing."""
    base_path = tmp_path_factory.mktemp("pushed") / MODEL
    for number in ("1", "2"):
        shutil.copytree(version, base_path / number)
    config = base_path.parent / "models.config"
    config.write_text(
        f'model_config_list {{ config {{ name: "{MODEL}" base_path: "{base_path}" '
        'model_platform: "tensorflow" model_version_policy { all {} } '
        'version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 } } }'
    )
    with LocalServer("--model-config-file", str(config)) as running:
        yield running


@pytest.fixture(scope="session")
def ask(server) -> Asker:
    """Asks the shared server."""
    return Asker(server)


@pytest.fixture(scope="session")
def taxi_rows(trained) -> list[dict]:
    """The first 200 rows of the data, as a client has them."""
    with trained.data.open() as file:
        return [as_row(raw) for _, raw in zip(range(200), csv.DictReader(file))]


def as_row(raw: dict[str, str]) -> dict:
    """Without the label and what is no feature; numbers as numbers, absent ones left out."""
    left_out = {"tips", "big_tipper", "pickup_census_tract", "dropoff_census_tract"}
    present = {name: text for name, text in raw.items() if text and name not in left_out}
    return {name: as_value(name, text) for name, text in present.items()}


def as_value(name: str, text: str):
    if name in ("company", "payment_type"):
        return text
    number = float(text)
    return int(number) if number == int(number) else number
