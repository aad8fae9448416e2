"""Prometheus metrics under TensorFlow Serving's names."""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

DEFAULT_PATH = "/monitoring/prometheus/metrics"

# TensorFlow Serving's: 10 microseconds, times 1.8, 33 buckets.
_BUCKETS = [10 * 1.8**power for power in range(33)]

_COUNT = ":tensorflow:serving:request_count"


class Metrics:
    """Request counts and latencies, and which versions are loaded.

    Args:
      available: gives the versions that answer, by model.
    """

    def __init__(self, available: Callable[[], Mapping[str, Iterable[int]]]):
        self._available = available
        self._counts: collections.Counter[tuple[str, str]] = collections.Counter()
        self._lock = threading.Lock()
        self._registry = CollectorRegistry()
        disable_created_metrics()
        self._latency = Histogram(
            ":tensorflow:serving:request_latency",
            "Wall time of a request in microseconds.",
            ["model_name", "API", "entrypoint"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(self)

    def record(self, model: str, api: str, entrypoint: str, code: str, began: float) -> None:
        """Counts a request that began at `time.perf_counter()` `began`."""
        with self._lock:
            self._counts[model, code] += 1
        if code == "OK":
            microseconds = (time.perf_counter() - began) * 1e6
            self._latency.labels(model, api, entrypoint).observe(microseconds)

    def collect(self) -> Iterable[Metric]:
        """What is counted by hand: a Prometheus counter's name would end in `_total`."""
        with self._lock:
            counts = dict(self._counts)
        requests = Metric(_COUNT, "The total number of requests.", "unknown")
        for (model, code), count in counts.items():
            requests.add_sample(_COUNT, {"model_name": model, "status": code}, count)
        yield requests
        name = ":tensorflow:serving:loaded_version"
        loaded = GaugeMetricFamily(name, "Versions that answer.", labels=["model_name", "version"])
        for model, versions in self._available().items():
            for version in sorted(versions):
                loaded.add_metric([model, str(version)], 1)
        yield loaded

    def page(self) -> bytes:
        """The page that Prometheus reads."""
        return generate_latest(self._registry)
