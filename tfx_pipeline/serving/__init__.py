"""Serving a pushed model, and asking it.

    from tfx_pipeline.serving import Client

    with Client("localhost:8500", "chicago-taxi") as client:
        print(client.predict([{"trip_miles": 1.2, "company": "Flash Cab"}]).rows())

The client and everything about versions and manifests work without TensorFlow;
only what is below `tfx_pipeline.serving.local_server` imports it.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "AsyncClient": "tfx_pipeline.serving.client.aio",
    "Client": "tfx_pipeline.serving.client.sync",
    "LocalServer": "tfx_pipeline.serving.local_server.process",
    "Predictions": "tfx_pipeline.serving.client.predictions",
    "ServingError": "tfx_pipeline.errors",
    "Split": "tfx_pipeline.serving.client.traffic_split",
    "Traffic": "tfx_pipeline.serving.rollout.traffic_state",
}

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
