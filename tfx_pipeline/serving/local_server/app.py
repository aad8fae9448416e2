"""The local server as a process: ports, polling, signals, a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import logging
import os
import signal
import socket
import threading
from typing import Any

import tornado.netutil

from tfx_pipeline.errors import ConfigError, ServingError
from tfx_pipeline.serving.local_server import ports, prewarm, warmup
from tfx_pipeline.serving.local_server.grpc_server import GrpcServer
from tfx_pipeline.serving.local_server.manager import Manager
from tfx_pipeline.serving.local_server.metrics import Metrics
from tfx_pipeline.serving.local_server.rest_api import RestApi
from tfx_pipeline.serving.local_server.rest_server import RestServer
from tfx_pipeline.serving.rollout import model_server_config

_DRAIN_SECONDS = 30.0
_THREADS = 4 * (os.cpu_count() or 1)
_QUICKEST_POLL = 0.05


@dataclasses.dataclass(frozen=True)
class Settings:
    """How the local server runs; TensorFlow Serving's flags of the same names.

    Attributes:
      config: the ModelServerConfig to begin with.
      port, rest_api_port: 0 switches that side off.
      file_system_poll_wait_seconds: 0 looks only once.
      metrics_path: where Prometheus reads, or None.
      max_pending_requests: how many may wait for a thread, on each side.
    """

    config: Any
    host: str = "127.0.0.1"
    port: int = 8500
    rest_api_port: int = 8501
    model_config_file: str | None = None
    model_config_file_poll_wait_seconds: float = 0
    file_system_poll_wait_seconds: float = 1
    rest_api_timeout_in_ms: int = 30000
    metrics_path: str | None = None
    max_pending_requests: int = 1000


class App:
    """Runs until SIGTERM or SIGINT."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._manager = Manager(warmup.load)
        metrics = Metrics(self._manager.available)
        pending = settings.max_pending_requests
        self._grpc = GrpcServer(self._manager, metrics, threads=_THREADS, most_pending=pending)
        self._rest = RestServer(
            RestApi(self._manager, metrics),
            metrics,
            threads=_THREADS,
            most_pending=pending,
            timeout_seconds=settings.rest_api_timeout_in_ms / 1000,
            metrics_path=settings.metrics_path,
        )

    def run(self) -> None:
        """Loads what there is, answers, and ends when it is told to.

        Raises:
          ConfigError: a port is taken, or the configuration is wrong.
        """
        sockets = self._bind()
        try:
            self._manager.configure(self._settings.config)
        except ServingError as error:
            raise ConfigError(f"the model configuration is refused: {error.message}") from error
        # TensorFlow's objects stay: looking through them for garbage stops all requests.
        gc.collect()
        gc.freeze()
        asyncio.run(self._serve(sockets))

    def _bind(self) -> list[socket.socket]:
        """Takes the ports first: loading a model for nothing would be a pity."""
        settings, sockets = self._settings, []
        if settings.port:
            with _taken("--port", settings.port):
                self._grpc.bind(f"{settings.host}:{settings.port}")
        if settings.rest_api_port:
            with _taken("--rest-api-port", settings.rest_api_port):
                sockets = tornado.netutil.bind_sockets(settings.rest_api_port, settings.host)
        return sockets

    async def _serve(self, sockets: list[socket.socket]) -> None:
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._end, ended)
        if self._settings.port:
            self._grpc.start()
        self._rest.start(sockets)
        await asyncio.to_thread(self._rehearse)
        self._watch()
        logging.info("ready: %s", self._where())
        await ended.wait()
        logging.info("ending: requests under way are answered first")
        await asyncio.gather(
            asyncio.to_thread(self._grpc.stop, _DRAIN_SECONDS), self._rest.drain(_DRAIN_SECONDS)
        )
        logging.info("ended")

    def _rehearse(self) -> None:
        for executor in (self._grpc.threads, self._rest.threads):
            prewarm.rehearse(self._manager, executor, _THREADS)
        if self._settings.rest_api_port:
            prewarm.knock(self._settings.host, self._settings.rest_api_port)

    def _end(self, ended: asyncio.Event) -> None:
        if ended.is_set():
            logging.warning("ending at once")
            os._exit(1)
        self._manager.stop()
        ended.set()

    def _where(self) -> str:
        settings, sides = self._settings, []
        if settings.port:
            sides.append(f"gRPC on {settings.host}:{settings.port}")
        if settings.rest_api_port:
            sides.append(f"REST on http://{settings.host}:{settings.rest_api_port}/v1/models")
        return ", ".join(sides)

    def _watch(self) -> None:
        settings = self._settings
        if settings.model_config_file and settings.model_config_file_poll_wait_seconds:
            threading.Thread(target=self._watch_config, name="config", daemon=True).start()
        if settings.file_system_poll_wait_seconds:
            seconds = max(settings.file_system_poll_wait_seconds, _QUICKEST_POLL)
            poll = self._manager.poll_for_ever
            threading.Thread(target=poll, args=[seconds], name="poll", daemon=True).start()

    def _watch_config(self) -> None:
        path, before, said = self._settings.model_config_file, self._settings.config, ""
        while not self._manager.wait(self._settings.model_config_file_poll_wait_seconds):
            try:
                config = model_server_config.read(path)
                if config != before:
                    self._manager.configure(config)
                    logging.info("%s: taken over", path)
                before, said = config, ""
            except (ConfigError, ServingError) as error:
                if str(error) != said:  # once is enough
                    logging.error("the configuration stays as it was: %s", error)
                said = str(error)
            except Exception:
                logging.exception("%s cannot be taken over", path)


@contextlib.contextmanager
def _taken(option: str, port: int):
    try:
        yield
    except OSError as error:
        raise ports.in_use(option, port, error) from error
