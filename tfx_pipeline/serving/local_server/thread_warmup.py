"""Starts the threads and opens a connection of a server, so that the first requests are fast.

The warm-up requests of a model warm its session. Threads that start, connections that
open and Python code that runs for the first time would delay the first requests, too.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
from concurrent.futures import Executor

import numpy as np

from tfx_pipeline.serving.local_server import rest_request, rest_response
from tfx_pipeline.serving.protocol import protos, tensors

_TIMEOUT_SECONDS = 10


def start_threads(executor: Executor, threads: int) -> None:
    """Starts all threads of an executor.

    Args:
      executor: a pool of threads.
      threads: how many threads it has.
    """
    barrier = threading.Barrier(threads)

    def wait_for_others() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait(_TIMEOUT_SECONDS)  # else one thread would take all the work

    for future in [executor.submit(wait_for_others) for _ in range(threads)]:
        future.result()


def convert_made_up_request() -> None:
    """Runs the code between JSON, arrays and messages once, without a model."""
    info = protos.message("tensorflow.TensorInfo")(dtype=1)
    document = rest_request.parse(b'{"instances": [{"x": 0.5}]}')
    arrays = rest_request.inputs(document, {"x": info})
    tensors.from_proto(tensors.to_proto(arrays["x"]))
    rest_response.dumps(rest_response.row_format({"y": np.zeros((1, 2), np.float32)}))


def open_connection(host: str, port: int) -> None:
    """Opens one HTTP connection; its request is refused and not counted in the metrics."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("POST", "/v1/", b"{}")
        connection.getresponse().read()
