"""Serving a pushed model, and asking it.

    from tfx_pipeline.serving import Client

    with Client("localhost:8500", "chicago-taxi") as client:
        print(client.predict([{"trip_miles": 1.2, "company": "Flash Cab"}]).rows())

The client and everything about versions and manifests work without TensorFlow;
only what is below `tfx_pipeline.serving.server` imports it.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "AsyncClient": "tfx_pipeline.serving.aioclient",
    "Client": "tfx_pipeline.serving.client",
    "LocalServer": "tfx_pipeline.serving.localserver",
    "Predictions": "tfx_pipeline.serving.predictions",
    "ServingError": "tfx_pipeline.errors",
    "Split": "tfx_pipeline.serving.routing",
    "Traffic": "tfx_pipeline.serving.traffic",
}

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
