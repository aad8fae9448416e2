"""Servers with the bundled example's model or with a tiny one, and rows to send."""

from __future__ import annotations

import csv
import pathlib
import shutil
import subprocess

import pytest

from tests.serving import tiny
from tests.serving.harness import RawClient, wait_until
from tfx_pipeline import terminal
from tfx_pipeline.cli.main import main
from tfx_pipeline.serving import LocalServer
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.rollout import model_server_config

MODEL = "chicago-taxi"


@pytest.fixture
def invoke(capsys):
    """Runs `tfx-pipeline` in this process, which is quicker than in one of its own."""

    def run(*arguments) -> subprocess.CompletedProcess[str]:
        code = terminal.invoke(main, [str(argument) for argument in arguments])
        output = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, output.out, output.err)

    return run


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
    # A hundred megabytes may take longer than the default on a machine with other work.
    options = ("--rest_api_timeout_in_ms=600000", "--model-config-file", str(config))
    with LocalServer(*options, seconds=600) as running:
        yield running


@pytest.fixture(scope="session")
def raw_client(server) -> RawClient:
    """A client of the shared server."""
    return RawClient(server)


@pytest.fixture(scope="session")
def taxi_rows(trained) -> list[dict]:
    """The first 200 rows of the data, as a client has them."""
    with trained.data.open() as file:
        return [as_row(raw) for _, raw in zip(range(200), csv.DictReader(file))]


def as_row(raw: dict[str, str]) -> dict:
    """Without the label and columns that are not features; numbers as numbers."""
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
    """A server that looks for versions each second; each test gives it a model of its own."""
    config = tmp_path_factory.mktemp("shared") / "models.config"
    config.write_text("model_config_list {}")
    with LocalServer("--model-config-file", str(config), seconds=600) as server:
        yield server


def reload_config(server, base_path):
    """Makes the server serve that folder, and nothing else."""
    request = protos.message("ReloadConfigRequest")()
    request.config.CopyFrom(model_server_config.single(tiny.NAME, base_path))
    RawClient(server).model("HandleReloadConfigRequest", request)
    return server


@pytest.fixture
def tiny_server(base_path, shared):
    """The shared server with version 1 of the tiny model."""
    tiny.push(base_path, 1)
    return reload_config(shared, base_path)


class ConfiguredServer(LocalServer):
    """A server that polls its configuration file, and that tests may stop or kill."""

    def __init__(self, folder: pathlib.Path, *arguments: str):
        self.config = folder / "models.config"
        poll = "--model-config-file-poll-wait-seconds"
        super().__init__("--model-config-file", str(self.config), poll, "1", *arguments)
        self.config.write_text("model_config_list {}")

    def serve(self, base_path: pathlib.Path) -> None:
        """Serves that folder, and nothing else; starts again if a test has stopped it."""
        message = f"{self.config}: the new configuration is in use"
        count = self.log().count(message)
        model_server_config.write(self.config, model_server_config.single(tiny.NAME, base_path))
        if self.process.poll() is not None:
            self.start()
        else:
            wait_until(lambda: self.log().count(message) > count)


@pytest.fixture(scope="session")
def configured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("configured")
    with ConfiguredServer(folder, "--max-pending-requests", "1") as server:
        yield server


@pytest.fixture
def own_server(configured, base_path):
    """Version 1 of the tiny model, on a server that lets one request wait."""
    tiny.push(base_path, 1)
    configured.serve(base_path)
    return configured


@pytest.fixture(scope="session")
def impatient(tmp_path_factory):
    folder = tmp_path_factory.mktemp("impatient")
    with ConfiguredServer(folder, "--rest_api_timeout_in_ms", "50") as server:
        yield server


@pytest.fixture
def impatient_server(impatient, base_path):
    """Version 1 of the tiny model, on a server whose REST requests may take 50 ms."""
    tiny.push(base_path, 1)
    impatient.serve(base_path)
    return impatient
