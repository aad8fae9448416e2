"""A server with the bundled example's model, and rows to ask it about."""

from __future__ import annotations

import csv
import pathlib
import shutil

import pytest

from tests.serving import tiny
from tests.serving.harness import Asker
from tfx_pipeline.serving import LocalServer
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.rollout import model_server_config

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


@pytest.fixture
def base_path(tmp_path):
    folder = tmp_path / tiny.NAME
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A server that each test gives a model of its own."""
    config = tmp_path_factory.mktemp("shared") / "models.config"
    config.write_text("model_config_list {}")
    with LocalServer("--model-config-file", str(config)) as server:
        yield server


def take_over(server, base_path):
    """Lets the server serve that folder, and nothing else."""
    request = protos.message("ReloadConfigRequest")()
    request.config.CopyFrom(model_server_config.single(tiny.NAME, base_path))
    Asker(server).model("HandleReloadConfigRequest", request)
    return server


@pytest.fixture
def started():
    """Starts servers that are stopped in the end."""
    running = []

    def start(*arguments, **options):
        server = LocalServer(*map(str, arguments), **options)
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def tiny_server(base_path, shared):
    """Version 1, and a server that looks for others each second."""
    tiny.push(base_path, 1)
    return take_over(shared, base_path)


@pytest.fixture
def own_server(base_path, started):
    """The same with a server that only this test has."""
    tiny.push(base_path, 1)
    return serve(started, base_path)


def serve(started, base_path, *arguments):
    return started("--model-name", tiny.NAME, "--model-base-path", base_path, *arguments)
