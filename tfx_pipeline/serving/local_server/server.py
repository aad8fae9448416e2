"""The process of the local server: ports, polling, signals, an orderly stop."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

import tornado.netutil

from tfx_pipeline.errors import ConfigError, ServingError
from tfx_pipeline.serving.local_server import loader, ports, thread_warmup
from tfx_pipeline.serving.local_server.grpc_server import GrpcServer
from tfx_pipeline.serving.local_server.manager import Manager
from tfx_pipeline.serving.local_server.metrics import Metrics
from tfx_pipeline.serving.local_server.rest_api import RestApi
from tfx_pipeline.serving.local_server.rest_server import RestServer
from tfx_pipeline.serving.rollout import model_server_config

_DRAIN_SECONDS = 30.0
_THREADS = 4 * (os.cpu_count() or 1)
_MIN_POLL_SECONDS = 0.05
_OPEN_WARNING = (
    "--host %s: everybody who can reach this machine may request predictions and replace the "
    "configuration by HandleReloadConfigRequest; there is no password and no TLS"
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How the local server runs. Names are those of TensorFlow Serving's flags.

    Attributes:
      config: the ModelServerConfig to begin with.
      host: the address to listen on.
      port, rest_api_port: the ports of gRPC and REST; 0 for none.
      model_config_file: the file that `config` was read from, to poll it.
      model_config_file_poll_wait_seconds: seconds between reads of that file; 0 for no polling.
      file_system_poll_wait_seconds: seconds between looks for versions; 0 for no polling.
      grpc_max_threads, rest_api_num_threads: how many requests are processed at the same
        time, in gRPC and in REST; 0 for four by processor.
      rest_api_timeout_in_ms: after how many milliseconds a REST client receives 504.
      rest_api_enable_cors_support: whether web pages of other sites may read responses.
      metrics_path: the path that Prometheus reads; None for none.
      max_pending_requests: how many requests may wait for a thread, in gRPC and in REST.
      allow_version_labels_for_unavailable_models: whether HandleReloadConfigRequest may
        give a label to a version that is not available; it then waits for the version.
      enable_model_warmup: whether warm-up requests are run when a version is loaded.
      num_request_iterations_for_warmup: how often each of them is run; 0 means once.
    """

    config: Any
    host: str = "127.0.0.1"
    port: int = 8500
    rest_api_port: int = 8501
    model_config_file: str | None = None
    model_config_file_poll_wait_seconds: float = 0
    file_system_poll_wait_seconds: float = 1
    grpc_max_threads: int = 0
    rest_api_num_threads: int = 0
    rest_api_timeout_in_ms: int = 30000
    rest_api_enable_cors_support: bool = False
    metrics_path: str | None = None
    max_pending_requests: int = 1000
    allow_version_labels_for_unavailable_models: bool = False
    enable_model_warmup: bool = True
    num_request_iterations_for_warmup: int = 0


class Server:
    """The local server; runs until SIGTERM or SIGINT."""

    def __init__(self, settings: Settings):
        self._settings = settings
        iterations = max(settings.num_request_iterations_for_warmup, 1)
        if not settings.enable_model_warmup:
            iterations = 0
        self._manager = Manager(functools.partial(loader.load, warmup_iterations=iterations))
        metrics = Metrics(self._manager.available_versions)
        max_pending = settings.max_pending_requests
        self._grpc_threads = settings.grpc_max_threads or _THREADS
        self._rest_threads = settings.rest_api_num_threads or _THREADS
        self._grpc = GrpcServer(
            self._manager,
            metrics,
            threads=self._grpc_threads,
            max_pending=max_pending,
            strict_labels=not settings.allow_version_labels_for_unavailable_models,
        )
        self._rest = RestServer(
            RestApi(self._manager, metrics),
            metrics,
            threads=self._rest_threads,
            max_pending=max_pending,
            timeout_seconds=settings.rest_api_timeout_in_ms / 1000,
            metrics_path=settings.metrics_path,
            enable_cors=settings.rest_api_enable_cors_support,
        )

    def run(self) -> None:
        """Loads the models and serves them until a signal arrives.

        Raises:
          ConfigError: a port cannot be used, the configuration is not valid, or no model
            can be loaded.
        """
        sockets = self._bind()  # before models are loaded, which takes seconds
        try:
            error = self._manager.configure(self._settings.config)
        except ServingError as invalid:
            message = f"the model configuration is not valid: {invalid.message}"
            raise ConfigError(message) from invalid
        if error and not any(self._manager.available_versions().values()):
            raise ConfigError(f"Failed to start server. Error: {error}")
        # TensorFlow's many objects stay. Searching them for garbage would stop all requests.
        gc.collect()
        gc.freeze()
        asyncio.run(self._serve(sockets))

    def _bind(self) -> list[socket.socket]:
        """Binds both ports; returns the sockets of REST."""
        settings = self._settings
        if settings.port:
            with _port_errors("--port", settings.port):
                self._grpc.bind(ports.address(settings.host, settings.port))
        if not settings.rest_api_port:
            return []
        with _port_errors("--rest-api-port", settings.rest_api_port):
            return tornado.netutil.bind_sockets(settings.rest_api_port, settings.host)

    async def _serve(self, sockets: list[socket.socket]) -> None:
        settings, addresses = self._settings, []
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._handle_signal, stop)
        if settings.port:
            self._grpc.start()
            addresses.append(f"gRPC on {ports.address(settings.host, settings.port)}")
        self._rest.start(sockets)
        if settings.rest_api_port:
            rest_address = ports.address(settings.host, settings.rest_api_port)
            addresses.append(f"REST on http://{rest_address}/v1/models")
        await asyncio.to_thread(self._warm_up)
        self._start_polling()
        if addresses and not ports.is_loopback(settings.host):
            logging.warning(_OPEN_WARNING, settings.host)
        logging.info("ready: %s", ", ".join(addresses))
        await stop.wait()
        logging.info("stopping: current requests are finished first")
        await asyncio.gather(
            asyncio.to_thread(self._grpc.stop, _DRAIN_SECONDS), self._rest.drain(_DRAIN_SECONDS)
        )
        logging.info("stopped")

    def _handle_signal(self, stop: asyncio.Event) -> None:
        if stop.is_set():
            logging.warning("second signal: stopping at once")
            os._exit(1)
        self._manager.stop()
        stop.set()

    def _warm_up(self) -> None:
        thread_warmup.start_threads(self._grpc.threads, self._grpc_threads)
        thread_warmup.start_threads(self._rest.threads, self._rest_threads)
        thread_warmup.convert_made_up_request()
        if self._settings.rest_api_port:
            thread_warmup.open_connection(self._settings.host, self._settings.rest_api_port)

    def _start_polling(self) -> None:
        settings = self._settings
        path, seconds = settings.model_config_file, settings.model_config_file_poll_wait_seconds
        if path and seconds:
            threading.Thread(
                target=self._poll_config, args=[path, seconds], name="config", daemon=True
            ).start()
        if settings.file_system_poll_wait_seconds:
            seconds = max(settings.file_system_poll_wait_seconds, _MIN_POLL_SECONDS)
            poll = self._manager.poll_until_stopped
            threading.Thread(target=poll, args=[seconds], name="poll", daemon=True).start()

    def _poll_config(self, path: str, seconds: float) -> None:
        before, logged = self._settings.config, ""
        while not self._manager.wait_for_stop(seconds):
            try:
                config = model_server_config.read(path)
                if config != before:
                    error = self._manager.configure(config)
                    logging.info("%s: the new configuration is in use", path)
                    if error:
                        logging.error("%s: %s", path, error.message)
                before, logged = config, ""
            except (ConfigError, ServingError) as error:
                if str(error) != logged:  # log the same error once
                    logging.error("the configuration is unchanged: %s", error)
                logged = str(error)
            except Exception:  # keep polling after an unexpected error
                logging.exception("%s cannot be used", path)


@contextlib.contextmanager
def _port_errors(option: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ports.port_error(option, port, error) from error
