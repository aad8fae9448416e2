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

# TensorFlow Serving's buckets: from 10 microseconds, each 1.8 times the one before.
_BUCKETS = [10 * 1.8**power for power in range(33)]

_REQUEST_COUNT = ":tensorflow:serving:request_count"
_TYPE = f"# TYPE {_REQUEST_COUNT} ".encode()


class Metrics:
    """Counts and latencies of requests, and the loaded versions.

    Args:
      available_versions: returns the versions that can process requests, by model.
    """

    def __init__(self, available_versions: Callable[[], Mapping[str, Iterable[int]]]):
        self._available_versions = available_versions
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

    def record(self, model: str, api: str, entrypoint: str, code: str, start: float) -> None:
        """Counts a request, and its latency if it succeeded.

        Args:
          model: the model's name.
          api: the method, for example `Predict`.
          entrypoint: `GRPC` or `REST`.
          code: the name of the gRPC status code.
          start: when the request began, by `time.perf_counter()`.
        """
        with self._lock:
            self._counts[model, code] += 1
        if code == "OK":
            microseconds = (time.perf_counter() - start) * 1e6
            self._latency.labels(model, api, entrypoint).observe(microseconds)

    def collect(self) -> Iterable[Metric]:
        """Yields the metrics that are not a Prometheus class; the registry calls this.

        A Counter of prometheus_client would add `_total` to TensorFlow Serving's name, so
        the type is written by `text`.
        """
        with self._lock:
            counts = dict(self._counts)
        requests = Metric(_REQUEST_COUNT, "The total number of requests.", "unknown")
        for (model, code), count in counts.items():
            requests.add_sample(_REQUEST_COUNT, {"model_name": model, "status": code}, count)
        yield requests
        name = ":tensorflow:serving:loaded_version"
        labels = ["model_name", "version"]
        loaded = GaugeMetricFamily(name, "Versions that are available.", labels=labels)
        for model, versions in self._available_versions().items():
            for version in sorted(versions):
                loaded.add_metric([model, str(version)], 1)
        yield loaded

    def text(self) -> bytes:
        """Returns all metrics in Prometheus' text format."""
        text = generate_latest(self._registry)
        return text.replace(_TYPE + b"untyped\n", _TYPE + b"counter\n")
