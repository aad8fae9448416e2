"""The local server beside a bare session and a bare transport.

    python -m benchmarks serving

What is asked is the bundled example's pushed model (`make run` makes one), with
rows of its data, through the signature `columns`.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import serving_load
from benchmarks.serving_load import Load, median_ms
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.serving.client import model_signature, request_encoder, rest_json
from tfx_pipeline.serving.client.protocols import GrpcProtocol, ModelRef, model_path
from tfx_pipeline.serving.client.sync import Client
from tfx_pipeline.serving.client.table import to_table
from tfx_pipeline.serving.local_server.process import LocalServer

MODEL = "benchmark"
CLIENTS, LOAD_SECONDS = 8, 5
FIRST_VERSIONS = 5
BATCH = 256
PAUSE_SECONDS = 0.05


@click.command("serving")
@click.option("--config", default="pipeline.yaml", show_default=True, help="What was pushed.")
@click.option("--calls", default=500, show_default=True, help="For each median.")
@click.option("--swaps", default=20, show_default=True, help="Versions pushed under load.")
def command(config: str, calls: int, swaps: int) -> None:
    """Time the local server over gRPC and REST, and swap versions under load."""
    loaded = load_config(config)
    versions = sorted(pathlib.Path(loaded.push_dir).glob("*/saved_model.pb"))
    if not versions:
        raise click.ClickException(f"nothing was pushed to {loaded.push_dir}: make run")
    with _pushed(versions[-1].parent) as (base_path, server):
        results = [*Benchmark(base_path, server, loaded.data.path, calls).run(swaps)]
    table = Table("measured", "found", "must be")
    for row in results:
        table.add_row(*row)
    Console().print(table)


@contextlib.contextmanager
def _pushed(version: pathlib.Path) -> Iterator[tuple[pathlib.Path, LocalServer]]:
    """A push folder of its own, and a server that watches it."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        base_path = pathlib.Path(folder) / "pushed"
        shutil.copytree(version, base_path / "1")
        with LocalServer("--model-name", MODEL, "--model-base-path", str(base_path)) as server:
            yield base_path, server


class Benchmark:
    """Measures one server.

    Args:
      data: rows to ask about: a CSV file or a folder of them.
      calls: how many for each median.
    """

    def __init__(self, base_path: pathlib.Path, server: LocalServer, data: str, calls: int):
        self._base_path, self._server, self._calls = base_path, server, calls
        self._newest = 1
        files = [pathlib.Path(data), *sorted(pathlib.Path(data).glob("*.csv"))]
        self._table = to_table(next(file for file in files if file.is_file()))
        with Client(server.grpc, MODEL) as client:
            self._signature = client.signature()

    def run(self, swaps: int) -> Iterator[tuple[str, str, str]]:
        """What was measured, what was found, and what it must be."""
        yield from self._first_requests()
        session, batch = self._session_ms(1), self._session_ms(BATCH)
        yield "session, 1 row, p50", f"{session:.2f} ms", ""
        yield f"session, {BATCH} rows, p50", f"{batch:.2f} ms", ""
        for kind in ("grpc", "rest"):
            yield from self._one_client(kind, session)
            yield from self._batches(kind)
            yield from self._many_clients(kind)
        yield from self._hot_swaps(swaps)

    def _feeds(self, rows: int) -> dict[str, np.ndarray]:
        return request_encoder.encode(self._table.take([*range(rows)]), self._signature)

    def _grpc_request(self, rows: int) -> Any:
        return GrpcProtocol().predict(ModelRef(MODEL), self._signature, self._feeds(rows)).payload

    def _rest_body(self, rows: int) -> bytes:
        instances = rest_json.rows(self._feeds(rows))
        return json.dumps(
            {"signature_name": model_signature.COLUMNS, "instances": instances}
        ).encode()

    def _asker(self, kind: str, rows: int) -> serving_load.Ask:
        if kind == "grpc":
            return serving_load.grpc_asker(self._server.grpc, self._grpc_request(rows))
        url = f"{model_path(ModelRef(MODEL))}:predict"
        return serving_load.rest_asker(self._server.rest, url, self._rest_body(rows))

    def _first_requests(self) -> Iterator[tuple[str, str, str]]:
        """The first of a fresh server, and the first that each new version gets."""
        ask = self._asker("rest", 1)
        fresh = serving_load.seconds(ask) * 1000
        median, firsts = median_ms(ask, self._calls), []
        for version in range(2, FIRST_VERSIONS + 2):
            self._push(version)
            firsts.append(serving_load.seconds(ask) * 1000)
        first = statistics.median(firsts)
        yield "first request of a fresh server", f"{fresh:.2f} ms", ""
        found = f"{first:.2f} ms, {first / median:.1f} x median"
        yield f"first request after load, median of {FIRST_VERSIONS}", found, "<= 3 x median"

    def _push(self, version: int) -> None:
        """The version before once more, by rename; returns when only the new one is there."""
        before, aside = self._base_path / str(version - 1), self._base_path / f".{version}"
        shutil.copytree(before, aside)
        aside.rename(self._base_path / str(version))
        with Client(self._server.grpc, MODEL) as client:
            while client.versions() != {version: "AVAILABLE"}:
                time.sleep(PAUSE_SECONDS)
        shutil.rmtree(before)
        self._newest = version

    def _session_ms(self, rows: int) -> float:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from tfx_pipeline.serving.local_server.servable import Servable

        servable, feeds = Servable(self._model), self._feeds(rows)
        result = median_ms(lambda: servable.run(model_signature.COLUMNS, feeds), self._calls)
        servable.close()
        return result

    @property
    def _model(self) -> str:
        return str(self._base_path / str(self._newest))

    def _one_client(self, kind: str, session: float) -> Iterator[tuple[str, str, str]]:
        """Beside the sum of session and echo, and beside both in one server.

        In the sum the session is measured in a loop, with warm caches, and the echo
        while the client is still awake; no server finds them so.
        """
        asked = median_ms(self._asker(kind, 1), self._calls)
        echoed, bare = self._echo_ms(kind), self._echo_ms(kind, self._model)
        yield f"{kind} echo, p50", f"{echoed:.2f} ms", ""
        yield f"{kind} echo that calls the session, p50", f"{bare:.2f} ms", ""
        yield f"{kind}, 1 row, p50", f"{asked:.2f} ms", ""
        yield f"{kind} / (session + echo)", f"{asked / (session + echoed):.2f}", "<= 2"
        yield f"{kind} / echo that calls the session", f"{asked / bare:.2f}", ""

    def _echo_ms(self, kind: str, *model: str) -> float:
        answer = self._asker(kind, 1)()
        if kind == "grpc":
            size, request = answer.ByteSize(), self._grpc_request(1).ByteSize()
            with serving_load.echo(kind, size, *model) as address:
                ask = serving_load.grpc_echo_asker(address, request)
                return median_ms(ask, self._calls)
        with serving_load.echo(kind, len(answer), *model) as address:
            ask = serving_load.rest_asker(f"http://{address}", "/", self._rest_body(1))
            return median_ms(ask, self._calls)

    def _batches(self, kind: str) -> Iterator[tuple[str, str, str]]:
        asked = median_ms(self._asker(kind, BATCH), max(self._calls // 5, 10))
        rate = f"{BATCH / asked * 1000:,.0f} rows/s"
        yield f"{kind}, {BATCH} rows, p50", f"{asked:.2f} ms, {rate}", ""

    def _many_clients(self, kind: str) -> Iterator[tuple[str, str, str]]:
        with Load([self._asker(kind, 1) for _ in range(CLIENTS)]) as load:
            time.sleep(LOAD_SECONDS)
        rate = f"{load.answered / load.seconds:,.0f} requests/s"
        found = f"{rate}, {len(load.failures)} of {load.answered} failed"
        yield f"{kind}, {CLIENTS} clients", found, "0 failed"

    def _hot_swaps(self, swaps: int) -> Iterator[tuple[str, str, str]]:
        with Load([self._asker(kind, 1) for kind in ("grpc", "rest") * 2]) as load:
            for _ in range(swaps):
                self._push(self._newest + 1)
        found = f"{len(load.failures)} of {load.answered} failed in {load.seconds:.0f} s"
        for error in load.failures[:3]:
            click.echo(f"failed: {error}", err=True)
        yield f"{swaps} hot swaps under load", found, "0 failed"
