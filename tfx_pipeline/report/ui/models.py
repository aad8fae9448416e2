"""The pushed versions of each pipeline's model: labels, canary share, what a server says."""

from __future__ import annotations

import dataclasses
import json

from tfx_pipeline import errors
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.metadata.run_record import Run
from tfx_pipeline.report.ui.store import Source
from tfx_pipeline.serving.client.sync import Client
from tfx_pipeline.serving.client.traffic_split import CANARY, STABLE
from tfx_pipeline.serving.rollout import traffic_state
from tfx_pipeline.serving.rollout.traffic_state import Traffic
from tfx_pipeline.storage.layout import CompiledLayout

_SERVER_SECONDS = 2.0
_MOST = 200


@dataclasses.dataclass(frozen=True)
class Version:
    """One pushed version, the run that pushed it, and its state on the server."""

    number: int
    run: Run | None
    labels: tuple[str, ...]
    server: str | None = None


@dataclasses.dataclass(frozen=True)
class Model:
    """A pipeline's model.

    Attributes:
      server: what is wrong with the server, or where it is; empty if none is named.
      problem: why the versions cannot be read.
    """

    pipeline: str
    name: str
    push_dir: str
    versions: tuple[Version, ...] = ()
    canary_percent: float = 0.0
    can_roll_back: bool = False
    server: str = ""
    problem: str | None = None

    @property
    def has_stable(self) -> bool:
        """Whether a version is stable: only then another one can be the canary."""
        return any(STABLE in version.labels for version in self.versions)

    @property
    def others(self) -> list[Version]:
        """The versions that are not stable; the canary is first, if there is one."""
        found = [version for version in self.versions if STABLE not in version.labels]
        return sorted(found, key=lambda version: CANARY not in version.labels)


def place(source: Source, config: PipelineConfig) -> tuple[str, str] | None:
    """The model's name and its push folder, by the configuration or the newest manifest."""
    if source.name == config.name:
        return config.model_name, config.push_dir
    for folder in sorted(source.layout.runs.glob("*/"), key=lambda f: -f.stat().st_mtime):
        try:
            found = json.loads(CompiledLayout(folder).manifest.read_bytes())
            return str(found["model_name"]), str(found["push_dir"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def read(source: Source, config: PipelineConfig) -> Model | None:
    """A pipeline's model without a server's states; None if nothing says where it is pushed.

    Args:
      config: of the page.
    """
    where = place(source, config)
    if where is None:
        return None
    name, push_dir = where
    try:
        traffic = traffic_state.load(name, push_dir)
        numbers = traffic.versions()[-_MOST:]
    except (errors.ConfigError, OSError) as error:
        return Model(source.name, name, push_dir, problem=str(error))
    runs = source.runs.pushed(map(str, numbers)) if numbers else {}
    versions = [Version(n, runs.get(str(n)), _labels(traffic, n)) for n in reversed(numbers)]
    return Model(
        source.name,
        name,
        traffic.base_path,
        tuple(versions),
        traffic.state.canary_percent,
        bool(traffic.history),
    )


def _labels(traffic: Traffic, version: int) -> tuple[str, ...]:
    return tuple(label for label, at in traffic.state.labels.items() if at == version)


def with_server(model: Model, target: str) -> Model:
    """The model with the states of its versions on a server, or with what is wrong there."""
    try:
        with Client(target, model.name, timeout=_SERVER_SECONDS) as client:
            states = client.versions()
    except (errors.ServingError, errors.ConfigError) as error:
        return dataclasses.replace(model, server=f"{target}: {error}")
    versions = [dataclasses.replace(v, server=states.get(v.number)) for v in model.versions]
    return dataclasses.replace(model, versions=tuple(versions), server=target)
