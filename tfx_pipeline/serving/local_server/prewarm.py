"""Goes once through what a request goes through, so that the first client need not wait.

The warm-up requests of a model warm its session; code that runs for the first time,
threads that start and connections that open take as long again.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.client import rest_json as json_requests
from tfx_pipeline.serving.local_server import inference, rest_output, rest_tensors
from tfx_pipeline.serving.local_server.manager import Manager
from tfx_pipeline.serving.local_server.version_state import Loaded
from tfx_pipeline.serving.protocol import protos, tensors

_SECONDS = 10


def rehearse(manager: Manager, executor: Executor, threads: int) -> None:
    """Lets every thread of an executor answer the warm-up requests of every version."""
    together = threading.Barrier(threads)

    def play() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(_SECONDS)  # else one thread would do the work of all
        for model, versions in manager.available().items():
            for version in versions:
                _play(manager, model, version)

    for ended in [executor.submit(play) for _ in range(threads)]:
        ended.result()


def _play(manager: Manager, model: str, version: int) -> None:
    spec = protos.message("ModelSpec")(name=model)
    spec.version.value = version
    with contextlib.suppress(ServingError), manager.acquire(spec) as loaded:
        for request in _predict_requests(loaded):
            inference.predict(loaded, request)
            _play_json(loaded, request)


def _predict_requests(loaded: Loaded) -> Iterator[Any]:
    for log in loaded.servable.warmup_requests():
        if log.WhichOneof("log_type") == "predict_log":
            yield log.predict_log.request


def _play_json(loaded: Loaded, request: Any) -> None:
    """The same request as a REST client would send it."""
    name = request.model_spec.signature_name or inference.DEFAULT_SIGNATURE
    feeds = {key: tensors.from_proto(proto) for key, proto in request.inputs.items()}
    body = json.dumps({"instances": json_requests.rows(feeds)}).encode()
    inputs = loaded.servable.signatures[name].inputs
    outputs = loaded.servable.run(name, rest_tensors.feeds(rest_tensors.parse(body), inputs))
    rest_output.dumps(rest_output.row_format(outputs), outputs.values())


def knock(host: str, port: int) -> None:
    """Makes one connection and asks for nothing that is counted."""
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("POST", "/v1/", b"{}")
        connection.getresponse().read()
