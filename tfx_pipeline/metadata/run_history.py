"""The runs of a pipeline, read from ML Metadata and the local runner's run.json.

    runs = open_runs(load_config("pipeline.yaml"))
    runs.latest().metrics["auc"]
    runs.get("20261124-101500-0417").nodes["Trainer"].outputs["model"]

ML Metadata decides; run.json adds what ML Metadata does not store: the log files, the
skipped nodes, the run's wall time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pydantic

from tfx_pipeline import errors
from tfx_pipeline.config.metadata_database import SQLITE
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.metadata import notebook_view
from tfx_pipeline.metadata.run_record import Run, summarise, timestamp, version_of
from tfx_pipeline.storage.layout import Layout

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2 as pb

    from tfx_pipeline.metadata.history import History

_log = logging.getLogger(__name__)


class Runs:
    """The runs of one pipeline, oldest first.

    Attributes:
      history: the pipeline's records in ML Metadata; None if it has no database yet.
      layout: the folder of the pipeline.
    """

    def __init__(self, layout: Layout, history: History | None) -> None:
        self.layout = layout
        self.history = history

    def ids(self) -> list[str]:
        """The runs' ids, oldest first."""
        known = self.history.run_ids() if self.history else []
        files = sorted(self.layout.runs.glob("*/run.json"), key=lambda f: f.stat().st_mtime)
        local = dict.fromkeys(file.parent.name for file in files)
        return list(dict.fromkeys([*known, *local]))

    def latest(self) -> Run:
        """The newest run.

        Raises:
          ConfigError: there is none.
        """
        ids = self.ids()
        if not ids:
            raise errors.ConfigError(
                f"pipeline {self.layout.name!r} has no runs below {self.layout.root}. "
                "Start one: tfx-pipeline run"
            )
        return self.read(ids[-1])

    def get(self, run_id: str) -> Run:
        """The run with that id, or with an id that begins with `run_id`.

        Raises:
          ConfigError: there is no such run, or several, or its run.json is damaged and
            ML Metadata does not know it.
        """
        ids = self.ids()
        matches = [i for i in ids if i == run_id] or [i for i in ids if i.startswith(run_id)]
        if len(matches) != 1:
            message = f"pipeline {self.layout.name!r} has no such run"
            if matches:
                message = f"pipeline {self.layout.name!r} has several runs whose ids begin with it"
            hint = "" if matches else errors.did_you_mean(run_id, ids)
            raise errors.ConfigError(errors.Problem(run_id, message, hint))
        return self.read(matches[0])

    def newest(self, count: int) -> list[Run]:
        """The newest runs, oldest first. A warning names a run that cannot be read."""
        return list(self._readable(self.ids()[-count:]))

    def pushed(self, versions: Iterable[str]) -> dict[str, Run]:
        """For each version of a pushed model, the run that pushed it.

        Args:
          versions: names of version folders.
        """
        wanted = set(versions)
        found: dict[str, Run] = {}
        if self.history is None:
            for run in self._readable(self.ids()):
                found.setdefault(version_of(run.pushed_model or ""), run)
            return {version: run for version, run in found.items() if version in wanted}
        pushes = self.history.pushes(lambda push: version_of(_pushed_destination(push)) in wanted)
        places = {push.id: version_of(_pushed_destination(push)) for push in pushes}
        for artifact_id, run_id in sorted(self.history.runs_of_outputs(places).items()):
            for run in self._readable([run_id]):
                found.setdefault(places[artifact_id], run)
        return found

    def _readable(self, run_ids: Iterable[str]) -> Iterator[Run]:
        """Those runs that can be read. A warning names the others."""
        for run_id in run_ids:
            try:
                yield self.read(run_id)
            except errors.ConfigError as error:
                _log.warning("run %s is left out: %s", run_id, error)

    def attach(self, run: Run) -> Run:
        """Makes a run of these show its artifacts in a notebook; returns it."""
        run._origin = notebook_view.Origin(runs=self)
        return run

    def read(self, run_id: str) -> Run:
        """The run with exactly this id.

        Raises:
          ConfigError: there is none, or its run.json is damaged and ML Metadata does not know it.
        """
        return self.attach(self._read_record(run_id))

    def _read_record(self, run_id: str) -> Run:
        file = self.layout.run(run_id).run_json
        try:
            local = Run.model_validate_json(file.read_bytes())
        except (OSError, pydantic.ValidationError):
            local = None
        if local is not None and local.state != "running":
            return local
        run = self._from_metadata(run_id) or local
        if run is None and file.exists():
            raise errors.ConfigError(f"{file}: not a run.json of this version")
        if run is None:
            raise errors.ConfigError(f"run {run_id}: none of its nodes has started")
        return run

    def _from_metadata(self, run_id: str) -> Run | None:
        records = self.history.records(run_id) if self.history else {}
        if not records:
            return None
        first = min(records.values(), key=lambda r: r.execution_id)
        last_end = max(r.started + r.seconds for r in records.values())
        return summarise(
            run_id,
            self.layout.name,
            records,
            {},
            records,
            started=timestamp(first.started),
            seconds=last_end - first.started,
        )

    def list(self) -> list[Run]:
        """All runs, oldest first. A warning names a run that cannot be read; it is left out."""
        return [*self._readable(self.ids())]


def _pushed_destination(artifact: pb.Artifact) -> str:
    from tfx_pipeline.metadata import node_record

    return str(node_record.properties(artifact).get("pushed_destination", ""))


def open_runs(config: PipelineConfig) -> Runs:
    """Opens the runs of the configured pipeline; creates no database if there is none.

    Raises:
      PipelineError: ML Metadata cannot be opened.
    """
    from tfx_pipeline.metadata import database  # imports ML Metadata
    from tfx_pipeline.metadata.history import History

    layout = Layout(config.root, config.name)
    if config.metadata == SQLITE and not layout.metadata_db.exists():
        return Runs(layout, None)
    connection = database.connection_config(config.metadata, layout.metadata_db)
    return Runs(layout, History(database.open_store(connection), config.name))
