"""The pipelines of a store and their runs: ML Metadata on SQLite or MySQL, and run folders.

Everything is opened to be read only. ML Metadata's client is used by one thread at a time:
callers hold `Store.lock`.
"""

from __future__ import annotations

import dataclasses
import pathlib
import threading
from typing import TYPE_CHECKING

from tfx_pipeline import errors
from tfx_pipeline.config.metadata_database import SQLITE
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.metadata.run_history import Runs
from tfx_pipeline.report import readable_store
from tfx_pipeline.storage.layout import Layout, RunLayout

if TYPE_CHECKING:
    import ml_metadata

    from tfx_pipeline.metadata.history import History

_PATIENCE = 0.5
"""Seconds to wait for a lock on SQLite: a page that follows a run asks again soon."""


@dataclasses.dataclass(frozen=True)
class Source:
    """One pipeline of the store.

    Attributes:
      problem: why ML Metadata cannot be read; None if it can. Then only run folders are shown.
    """

    name: str
    layout: Layout
    runs: Runs
    problem: str | None = None


class Store:
    """All pipelines below one root, and those of one MySQL database.

    Args:
      config: names the root and the database; its pipeline is one of those shown.

    Attributes:
      lock: to hold while anything is read.
    """

    def __init__(self, config: PipelineConfig) -> None:
        self.config = config
        self.lock = threading.RLock()
        self._open: dict[str, tuple[object, ml_metadata.MetadataStore]] = {}
        self._histories: dict[str, History] = {}

    @property
    def home(self) -> pathlib.Path:
        """The folder of the pipelines' folders on this machine."""
        return Layout(self.config.root, "_").home.parent

    def sources(self) -> list[Source]:
        """The pipelines by name, also those whose runs cannot be read."""
        return [self.source(name) for name in self._names()]

    def _names(self) -> list[str]:
        found = {
            folder.name
            for folder in (self.home.iterdir() if self.home.is_dir() else ())
            if (folder / "metadata.db").exists() or (folder / "runs").is_dir()
        }
        if self.config.metadata != SQLITE:
            found |= self._names_on_server()
        return sorted(found)

    def _names_on_server(self) -> set[str]:
        """The pipelines in the database. A connection that the server has closed is opened anew."""
        for _ in range(2):
            try:
                with readable_store.errors_explained(str(self.config.metadata)):
                    return {c.name for c in self._mysql().get_contexts_by_type("pipeline")}
            except errors.ConfigError:
                if self._open.pop(str(self.config.metadata), None) is None:
                    break
        return {self.config.name}  # its source names the problem

    def known(self, name: str) -> Source:
        """The pipeline of that name.

        Raises:
          ConfigError: the store has none.
        """
        names = self._names()
        if name not in names:
            hint = errors.did_you_mean(name, names)
            raise errors.ConfigError(errors.Problem(name, "there is no such pipeline", hint))
        return self.source(name)

    def readable(self, name: str) -> Source:
        """The same, of which ML Metadata can be read.

        Raises:
          ConfigError: the store has none, or cannot be read.
        """
        source = self.known(name)
        if source.problem:
            raise errors.ConfigError(source.problem)
        return source

    def run_files(self, pipeline: str, run_id: str) -> RunLayout:
        """The folder of a run, without a look into ML Metadata.

        Raises:
          ConfigError: there is no such pipeline, or the id would lead out of its folder.
        """
        if pipeline not in self._names() or not is_run_folder(run_id):
            raise errors.ConfigError(errors.Problem(f"{pipeline}/{run_id}", "there is no such run"))
        return Layout(self.config.root, pipeline).run(run_id)

    def source(self, name: str, fresh: bool = False) -> Source:
        """One pipeline.

        Args:
          fresh: over a connection of its own, for another thread.
        """
        layout = Layout(self.config.root, name)
        where = layout.metadata_db if self.config.metadata == SQLITE else self.config.metadata
        try:
            with readable_store.errors_explained(str(where)):
                return Source(name, layout, self._runs(layout, name, fresh))
        except errors.ConfigError as error:
            return Source(name, layout, Runs(layout, None), str(error))

    def _runs(self, layout: Layout, name: str, fresh: bool) -> Runs:
        if self.config.metadata != SQLITE:
            return Runs(layout, self._history(self._mysql(fresh), name, fresh))
        file = layout.metadata_db
        if not file.exists():
            raise readable_store.gone(file)
        readable_store.ensure(file, _PATIENCE)
        found = file.stat()
        store = self._sqlite(file, (found.st_dev, found.st_ino), fresh)
        return Runs(layout, self._history(store, name, fresh))

    def _history(self, store: ml_metadata.MetadataStore, name: str, fresh: bool) -> History:
        """The pipeline's history. It remembers what does not change, so it is kept."""
        from tfx_pipeline.metadata.history import History

        known = self._histories.get(name)
        if fresh or known is None or known.store is not store:
            known = History(store, name)
            if not fresh:
                self._histories[name] = known
        return known

    def _sqlite(
        self, file: pathlib.Path, identity: object, fresh: bool
    ) -> ml_metadata.MetadataStore:
        """The connection to a file; another one if the file has been replaced."""
        key = str(file)
        if not fresh and key in self._open and self._open[key][0] == identity:
            return self._open[key][1]
        opened = _open_sqlite(file)
        if not fresh:
            self._open[key] = (identity, opened)
        return opened

    def _mysql(self, fresh: bool = False) -> ml_metadata.MetadataStore:
        from tfx_pipeline.metadata import database

        key = str(self.config.metadata)
        if fresh or key not in self._open:
            connection = database.connection_config(self.config.metadata, "")
            opened = database.open_store(connection)
            if fresh:
                return opened
            self._open[key] = (None, opened)
        return self._open[key][1]


def is_run_folder(run_id: str) -> bool:
    """Whether it is the name of a folder among those of the runs, and leads to no other one."""
    return "/" not in run_id and run_id not in ("", ".", "..")


def _open_sqlite(file: pathlib.Path) -> ml_metadata.MetadataStore:
    """Opens a database without the right to write.

    Raises:
      ConfigError: it is not a database of ML Metadata.
    """
    import ml_metadata

    from tfx_pipeline.metadata import database

    try:
        return ml_metadata.MetadataStore(database.connection_config(SQLITE, file, read_only=True))
    except (RuntimeError, ml_metadata.errors.StatusError) as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        message = f"ML Metadata cannot be read: {reason}"
        raise errors.ConfigError(errors.Problem(str(file), message)) from error
