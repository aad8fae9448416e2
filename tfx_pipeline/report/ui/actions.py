"""What the page can change with `--allow-actions`: labels of versions, and a new run."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Sequence

from tfx_pipeline import errors
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.report.ui import models
from tfx_pipeline.report.ui.store import Source
from tfx_pipeline.serving.rollout import traffic_state
from tfx_pipeline.serving.rollout.apply import apply_traffic
from tfx_pipeline.storage import run_ids
from tfx_pipeline.storage.layout import Layout

_SERVER_SECONDS = 60.0
_changing = threading.Lock()


def promote(source: Source, config: PipelineConfig, target: str | None, version: str) -> str:
    """Points the label `stable` to a version; returns what has been done.

    Raises:
      ConfigError: there is no such version.
      ServingError: the server does not load it; no label has changed.
    """
    number = _number(version)
    with _changing:
        before = _traffic(source, config)
        apply_traffic(before, before.promoted(number), target, _SERVER_SECONDS)
    return f"Version {number} of {before.model} is stable now."


def set_canary(
    source: Source, config: PipelineConfig, target: str | None, version: str, percent: str
) -> str:
    """Sends a share of the rows to a version; returns what has been done.

    Raises:
      ConfigError: there is no such version or no stable one, or the percentage is none.
      ServingError: the server does not load the version; no label has changed.
    """
    number = _number(version)
    try:
        share = float(percent)
    except ValueError as error:
        problem = errors.Problem("percent", f"must be a number, found {percent!r}")
        raise errors.ConfigError(problem) from error
    with _changing:
        before = _traffic(source, config)
        apply_traffic(before, before.with_canary(number, share), target, _SERVER_SECONDS)
    return f"Version {number} of {before.model} receives {share:g} % of the rows now."


def roll_back(source: Source, config: PipelineConfig, target: str | None) -> str:
    """Undoes the last change of the labels; returns what has been done.

    Raises:
      ConfigError: there was no change.
      ServingError: the server does not load the version; no label has changed.
    """
    with _changing:
        before = _traffic(source, config)
        after = before.rolled_back()
        apply_traffic(before, after, target, _SERVER_SECONDS)
    labels = ", ".join(f"{name}: version {at}" for name, at in after.state.labels.items())
    return f"The last change of {before.model} is undone. {labels or 'There are no labels'}."


def _number(version: str) -> int:
    if not version.isdecimal():
        raise errors.ConfigError(errors.Problem("version", f"must be a number, found {version!r}"))
    return int(version)


def _traffic(source: Source, config: PipelineConfig) -> traffic_state.Traffic:
    where = models.place(source, config)
    if where is None:
        raise errors.ConfigError(
            errors.Problem(source.name, "nothing says where its model is pushed")
        )
    return traffic_state.load(*where)


class Starter:
    """Starts runs of the configured pipeline, by the command that a user would type.

    Args:
      arguments: the options of `tfx-pipeline run` that name the configuration.
    """

    def __init__(self, config: PipelineConfig, arguments: Sequence[str]) -> None:
        self._layout = Layout(config.root, config.name)
        self._arguments = [*arguments]
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self) -> str:
        """Starts a run and returns its id. The run goes on if this page ends."""
        self._children = [child for child in self._children if child.poll() is None]
        run_id = run_ids.new()
        log = self._layout.run(run_id).start_log
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tfx_pipeline", "run", *self._arguments]
        with log.open("wb") as output:
            fcntl.flock(output, fcntl.LOCK_EX)  # the child has it until it ends
            self._children.append(
                subprocess.Popen(
                    [*command, "--run-id", run_id],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                    start_new_session=True,
                )
            )
        return run_id
