"""What all runners share: check the configuration, compile, then one hook.

A runner is a subclass of `Runner` that fills in `orchestrate`, and a click
command that makes one; the entry-point group `tfx_pipeline.runners` names the
commands, so `tfx-pipeline` finds runners without importing them.
"""

from __future__ import annotations

import abc
import contextlib
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

from tfx_pipeline import errors
from tfx_pipeline.config import preflight as checks
from tfx_pipeline.config.models import Config
from tfx_pipeline.ir import manifest
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.orchestrators.fork_client import Worker
from tfx_pipeline.storage.layout import CompiledLayout


class Runner(abc.ABC):
    """Runs a configured pipeline, or writes what an orchestrator needs to run it.

    Attributes:
      config: the pipeline's configuration.
      worker: the process that has TFX imported; only while `run` is on.
    """

    worker: Worker

    def __init__(self, config: Config):
        self.config = config

    def run(self) -> Any:
        """Checks, compiles and orchestrates; returns what the hook returns.

        Raises:
          ConfigError: the configuration, its files or its modules are wrong.
          PipelineError: compiling or orchestrating failed.
        """
        checks.preflight(self.config)
        with self.workspace() as folder:
            folder.mkdir(parents=True, exist_ok=True)
            with Worker(self.config.folder, folder / "logs" / "worker.log") as self.worker:
                compiled = self.compile(folder)
                return self.orchestrate(compiled, manifest.read(compiled.manifest))

    @abc.abstractmethod
    def orchestrate(self, compiled: CompiledLayout, plan: Manifest) -> Any:
        """Runs the compiled pipeline, or writes what runs it."""

    @contextlib.contextmanager
    def workspace(self) -> Iterator[pathlib.Path]:
        """The folder to compile into; a temporary one unless a runner keeps it."""
        with tempfile.TemporaryDirectory(prefix="tfx-pipeline-") as folder:
            yield pathlib.Path(folder)

    @property
    def config_to_compile(self) -> Config:
        """The configuration as the nodes' machines see it: with their paths."""
        return self.config

    def compile(self, folder: pathlib.Path) -> CompiledLayout:
        """Compiles the pipeline in the worker."""
        self.worker.run(
            "compile",
            folder / "logs" / "compile.log",
            config=self.config_to_compile.dump(),
            folder=self.config.folder,
            output=str(folder),
        )
        return CompiledLayout(folder)


def ensure_writable(folder: pathlib.Path) -> None:
    """Makes the folder where there is none.

    Raises:
      ConfigError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise errors.ConfigError(f"{folder}: cannot be written: {error.strerror}") from error
