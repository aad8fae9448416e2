"""Warms up the threads and connections of a server, so that the first requests are fast.

The warm-up requests of a model warm its session. Python code that runs for the first
time, threads that start and connections that open take as long again.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from concurrent.futures import Executor
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.client import rest_json
from tfx_pipeline.serving.local_server import rest_request, rest_response, services
from tfx_pipeline.serving.local_server.manager import Manager
from tfx_pipeline.serving.local_server.served_model import DEFAULT_SIGNATURE, ServedVersion
from tfx_pipeline.serving.protocol import protos, tensors

_TIMEOUT_SECONDS = 10


def warm_up_threads(manager: Manager, executor: Executor, threads: int) -> None:
    """Runs the warm-up requests of every version in every thread of an executor.

    Args:
      manager: holds the versions.
      executor: a pool of threads.
      threads: how many threads it has.
    """
    barrier = threading.Barrier(threads)

    def run_in_thread() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait(_TIMEOUT_SECONDS)  # else one thread would take all the work
        for model, versions in manager.available_versions().items():
            for version in versions:
                spec = protos.message("ModelSpec")(name=model)
                spec.version.value = version
                with contextlib.suppress(ServingError), manager.acquire(spec) as served:
                    _run_warmup_requests(served)

    for future in [executor.submit(run_in_thread) for _ in range(threads)]:
        future.result()


def _run_warmup_requests(served: ServedVersion) -> None:
    for log in served.servable.warmup_requests():
        if log.WhichOneof("log_type") == "predict_log":
            request = log.predict_log.request
            services.predict(served, request)
            _predict_as_rest(served, request)


def _predict_as_rest(served: ServedVersion, request: Any) -> None:
    """Runs a PredictRequest as if a REST client had sent it."""
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    inputs = {key: tensors.from_proto(proto) for key, proto in request.inputs.items()}
    body = json.dumps({"instances": rest_json.rows(inputs)}).encode()
    infos = served.servable.signatures[name].inputs
    outputs = served.servable.run(name, rest_request.inputs(rest_request.parse(body), infos))
    rest_response.dumps(rest_response.row_format(outputs), outputs.values())


def open_connection(host: str, port: int) -> None:
    """Opens one HTTP connection; its request is refused and not counted in the metrics."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("POST", "/v1/", b"{}")
        connection.getresponse().read()
