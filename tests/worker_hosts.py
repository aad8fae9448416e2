"""A `worker_host` of its own process, as on another machine."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

KEY = "secret"


@contextlib.contextmanager
def serve(port: int, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A host that listens inside, with the key `KEY`; `variables` are for its environment."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tfx_pipeline.components.worker_host", "--port", str(port)],
        env={**os.environ, "TFX_PIPELINE_WORKERS_KEY": KEY, **variables},
        stderr=subprocess.PIPE,
        text=True,
    )
    waiting = next(line for line in process.stderr or () if "Waiting" in line)
    assert str(port) in waiting
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
