"""Serves a pushed model and requests predictions from it.

    from tfx_pipeline.serving import Client

    with Client("localhost:8500", "chicago-taxi") as client:
        print(client.predict([{"trip_miles": 1.2, "company": "Flash Cab"}]).rows())

The client, the rollout of versions and the deployment manifests work without
TensorFlow; only `tfx_pipeline.serving.local_server` imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfx_pipeline.errors import ServingError
    from tfx_pipeline.serving.client.aio import AsyncClient
    from tfx_pipeline.serving.client.predictions import Predictions
    from tfx_pipeline.serving.client.sync import Client
    from tfx_pipeline.serving.client.traffic_split import Split
    from tfx_pipeline.serving.local_server.process import LocalServer
    from tfx_pipeline.serving.rollout.traffic_state import Traffic
else:
    from tfx_pipeline._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "AsyncClient": "tfx_pipeline.serving.client.aio",
            "Client": "tfx_pipeline.serving.client.sync",
            "LocalServer": "tfx_pipeline.serving.local_server.process",
            "Predictions": "tfx_pipeline.serving.client.predictions",
            "ServingError": "tfx_pipeline.errors",
            "Split": "tfx_pipeline.serving.client.traffic_split",
            "Traffic": "tfx_pipeline.serving.rollout.traffic_state",
        },
    )

__all__ = [
    "AsyncClient",
    "Client",
    "LocalServer",
    "Predictions",
    "ServingError",
    "Split",
    "Traffic",
]
