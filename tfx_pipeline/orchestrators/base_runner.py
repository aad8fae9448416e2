"""The base class of all runners: check the configuration, compile, then one hook.

A runner is a subclass of `Runner` that implements `orchestrate`, and a click command
that creates it. The entry-point group `tfx_pipeline.runners` lists the commands, so
`tfx-pipeline` finds runners without importing them.
"""

from __future__ import annotations

import abc
import contextlib
import pathlib
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from tfx_pipeline import errors
from tfx_pipeline.compiler import own_pipeline
from tfx_pipeline.config import preflight
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.ir import manifest
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.orchestrators.fork_client import Worker
from tfx_pipeline.storage.layout import CompiledLayout

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

Result = TypeVar("Result")


class Runner(abc.ABC, Generic[Result]):
    """Runs a configured pipeline, or writes the files that an orchestrator runs.

    `Runner[Result]` is the type of a runner whose `run` returns a `Result`.

    Args:
      source: a configuration, or a TFX pipeline object.

    Attributes:
      config: the pipeline's configuration. For a pipeline object it holds its name and
        folder, and defaults.
      worker: the process that imports TFX; it exists during `run` only.
    """

    worker: Worker

    def __init__(self, source: PipelineConfig | Pipeline) -> None:
        self._pipeline: Pipeline | None = None
        if isinstance(source, PipelineConfig):
            self.config = source
        else:
            self._pipeline = source
            self.config = own_pipeline.config_of(source)

    def run(self) -> Result:
        """Checks, compiles and orchestrates; returns what the hook returns.

        Raises:
          ConfigError: the configuration, its files or its modules are wrong.
          PipelineError: compiling or orchestrating failed.
        """
        preflight.preflight(self.config)
        with self.workspace() as folder:
            folder.mkdir(parents=True, exist_ok=True)
            log = folder / "logs" / "worker.log"
            with Worker(self.config.folder, log, self._foreign, self._folders) as self.worker:
                compiled = self.compile(folder)
                return self.orchestrate(compiled, manifest.read(compiled.manifest))

    @abc.abstractmethod
    def orchestrate(self, compiled: CompiledLayout, plan: Manifest) -> Result:
        """Runs the compiled pipeline, or writes the files that run it."""

    @contextlib.contextmanager
    def workspace(self) -> Iterator[pathlib.Path]:
        """The folder to compile into; by default, a temporary one."""
        with tempfile.TemporaryDirectory(prefix="tfx-pipeline-") as folder:
            yield pathlib.Path(folder)

    @property
    def config_to_compile(self) -> PipelineConfig:
        """The configuration with the paths of the machines that execute the nodes."""
        return self.config

    @property
    def _foreign(self) -> bool:
        """Whether the pipeline may have components that are not this project's."""
        return self._pipeline is not None or not self.config.modules.only_standard_nodes

    @property
    def _folders(self) -> list[str]:
        """Where nodes find the modules of a pipeline object: where this process finds them."""
        return [] if self._pipeline is None else own_pipeline.import_folders()

    def compile(self, folder: pathlib.Path) -> CompiledLayout:
        """Compiles the pipeline in the worker, a pipeline object in this process."""
        if self._pipeline is not None:
            from tfx_pipeline.compiler.compiler import compile_object

            return compile_object(self._pipeline, self.config).write(folder)
        self.worker.run(
            "compile",
            folder / "logs" / "compile.log",
            config=self.config_to_compile.dump(),
            folder=self.config.folder,
            output=str(folder),
        )
        return CompiledLayout(folder)


def ensure_writable(folder: pathlib.Path) -> None:
    """Creates the folder if it does not exist.

    Raises:
      ConfigError: it cannot be created, or is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise errors.ConfigError(f"{folder}: cannot be written: {error.strerror}") from error
