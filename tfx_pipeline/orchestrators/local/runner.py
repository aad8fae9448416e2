"""Runs the pipeline on this machine: `python runners/local_runner.py`."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import pathlib
import re
import secrets
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tfx_pipeline import errors, terminal
from tfx_pipeline.compiler import compile_cache
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.metadata.run_history import Run
from tfx_pipeline.orchestrators.base_runner import Runner, ensure_writable
from tfx_pipeline.orchestrators.local.local_run import Execution, Plan
from tfx_pipeline.orchestrators.local.progress import print_run, show_progress, shown_path
from tfx_pipeline.storage.layout import CompiledLayout, Layout, RunLayout

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

    from tfx_pipeline.metadata.history import History

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+@-]{0,127}")


class LocalRunner(Runner[Run]):
    """Executes the nodes on this machine, independent nodes in parallel.

    Args:
      source: a configuration, or a TFX pipeline object: `LocalRunner(pipeline).run()` instead
        of TFX's `LocalDagRunner().run(pipeline)`.
      run_id: the new run's id; by default, the time in UTC and four random digits.
      resume: the id of a failed or interrupted run to continue with its own pipeline.
      first: run only this node and those after it. The artifacts they need from
        earlier nodes are taken from the latest run that has them.
      last: run only the nodes up to this one.
      jobs: how many nodes may run at the same time; by default, one for each core.
      cache: whether results of earlier runs may be used. By default as the pipeline says: the
        standard pipeline does, a pipeline object if it has `enable_cache=True`.
    """

    def __init__(
        self,
        source: PipelineConfig | Pipeline,
        *,
        run_id: str | None = None,
        resume: str | None = None,
        first: str | None = None,
        last: str | None = None,
        jobs: int | None = None,
        cache: bool | None = None,
    ) -> None:
        super().__init__(source)
        self._layout = Layout(self.config.root, self.config.name)
        self._resume = resume is not None
        self.run_id = resume or run_id or _new_run_id()
        self._first, self._last = first, last
        self._jobs = jobs or os.cpu_count() or 1
        self._cache = cache
        self._started = time.time()
        self._history: History | None = None

    @property
    def files(self) -> RunLayout:
        """The run's folder."""
        return self._layout.run(self.run_id)

    @contextlib.contextmanager
    def workspace(self) -> Iterator[pathlib.Path]:
        """The run's own folder, locked; the compiled pipeline stays in it.

        Raises:
          ConfigError: the id is malformed, is in use, or, with `resume`, unknown.
        """
        if not _RUN_ID.fullmatch(self.run_id):
            rule = "must be letters, digits and . _ : + @ - (at most 128)"
            raise errors.ConfigError(errors.Problem("--run-id", f"{rule}, found {self.run_id!r}"))
        ensure_writable(self._layout.home)
        manifest = CompiledLayout(self.files.folder).manifest
        if self._resume and not manifest.exists():
            known = [folder.name for folder in self._layout.runs.glob("*")]
            hint = errors.did_you_mean(self.run_id, known)
            raise errors.ConfigError(errors.Problem("--resume", f"no run {self.run_id!r}", hint))
        with _locked(self.files, "--resume" if self._resume else "--run-id"):
            if not self._resume and manifest.exists():
                raise self._in_use(
                    f"Continue it with --resume {self.run_id}, or choose another id."
                )
            yield self.files.folder

    def _in_use(self, remedy: str) -> errors.ConfigError:
        return errors.ConfigError(errors.Problem("--run-id", f"run {self.run_id!r} exists", remedy))

    def compile(self, folder: pathlib.Path) -> CompiledLayout:
        """Compiles the pipeline, or takes it from this run or an equal earlier one."""
        from tfx_pipeline.ir import pipeline_ir

        if self._resume:
            return CompiledLayout(folder)
        key = None if self._pipeline is not None else compile_cache.key(self.config)
        runs = self._layout.runs
        compiled = compile_cache.copy_from_earlier_run(runs, key, folder) if key else None
        compiled = compiled or super().compile(folder)
        self._ensure_new_in_metadata(compiled)
        if self._cache:
            pipeline_ir.enable_cache(compiled.ir)
        is_partial = self._first or self._last
        if key and not is_partial:
            compile_cache.store_key(compiled, key)
        if is_partial:
            self.worker.run(
                "mark",
                folder / "logs" / "mark.log",
                pipeline=str(compiled.ir),
                run_id=self.run_id,
                first=self._first,
                last=self._last,
            )
        return compiled

    def _ensure_new_in_metadata(self, compiled: CompiledLayout) -> None:
        """Refuses the id of a run that another machine or pipeline has written to the database.

        TFX identifies a run by its id only: both would be one run.
        """
        if self._open_history(compiled).has_run(self.run_id):
            compiled.manifest.unlink()  # nothing has run here, so there is nothing to resume
            raise self._in_use("It is in ML Metadata, but not on this machine. Choose another id.")

    def _open_history(self, compiled: CompiledLayout) -> History:
        """The pipeline's runs; ML Metadata is opened once."""
        from tfx_pipeline.ir import pipeline_ir
        from tfx_pipeline.metadata import database
        from tfx_pipeline.metadata.history import History

        if self._history is None:
            pipeline = pipeline_ir.read(compiled.ir)
            store = database.open_store(pipeline_ir.metadata_connection(pipeline))
            self._history = History(store, pipeline.pipeline_info.id)
        return self._history

    def orchestrate(self, compiled: CompiledLayout, plan: Manifest) -> Run:
        """Executes the nodes and returns the run."""
        from tfx_pipeline.compiler import partial_run
        from tfx_pipeline.ir import pipeline_ir

        nodes = pipeline_ir.nodes(pipeline_ir.read(compiled.ir))
        skipped = frozenset(node.node_info.id for node in nodes if partial_run.is_skipped(node))
        execution_plan = Plan(
            run_id=self.run_id,
            manifest=plan,
            compiled=compiled,
            files=self.files,
            history=self._open_history(compiled),
            excluded=skipped,
            jobs=self._jobs,
            cache=self._cache is not False,
            started=self._started,
        )
        with show_progress(terminal.stderr()) as observer:
            return Execution(execution_plan, self.worker, observer).run()


def _new_run_id() -> str:
    """The time, so that ids sort by it, and digits for runs that start in the same second."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return f"{now:%Y%m%d-%H%M%S}-{secrets.randbelow(10**4):04d}"


@contextlib.contextmanager
def _locked(files: RunLayout, option: str) -> Iterator[None]:
    """Creates the run's folder and keeps other processes from the run; death releases it.

    Raises:
      ConfigError: another process executes the run.
    """
    files.folder.mkdir(parents=True, exist_ok=True)
    with files.lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"run {files.folder.name!r} is in progress"
            remedy = "Wait until it has ended, or choose another id."
            raise errors.ConfigError(errors.Problem(option, message, remedy)) from None
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # also for children that have inherited the file


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@terminal.config_options
@click.option(
    "--run-id", metavar="ID", help="The new run's id.  [default: the time in UTC, random digits]"
)
@click.option("--resume", metavar="RUN_ID", help="Continue a failed or interrupted run.")
@click.option("--from", "first", metavar="NODE", help="Run only this node and those after it.")
@click.option("--to", "last", metavar="NODE", help="Run only up to this node.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), help="Nodes to run in parallel.  [default: cores]"
)
@click.option("--no-cache", is_flag=True, help="Execute nodes even if nothing has changed.")
@terminal.json_option
def command(
    config: str,
    overrides: tuple[str, ...],
    root: str | None,
    run_id: str | None,
    resume: str | None,
    first: str | None,
    last: str | None,
    jobs: int | None,
    no_cache: bool,
    as_json: bool,
) -> int:
    """Run the pipeline on this machine.

    A node whose code, configuration and inputs have not changed since an earlier
    run is taken from the cache. Exit codes: 0 done, 1 a node failed, 2 wrong usage
    or configuration, 3 a gate refused (bad data, model not blessed or not servable)
    and nothing was pushed.
    """
    if resume and (run_id or first or last or overrides):
        raise click.UsageError(
            "--resume continues the run as it was started; remove the other options"
        )
    runner = LocalRunner(
        load_config(config, overrides, root=root),
        run_id=run_id,
        resume=resume,
        first=first,
        last=last,
        jobs=jobs,
        cache=False if no_cache else None,
    )
    if not as_json:
        terminal.stderr().print(f"Run {runner.run_id}: starting TensorFlow and TFX ...")
    run = runner.run()
    if as_json:
        click.echo(run.to_json(), nl=False)
    else:
        print_run(terminal.stdout(), run)
        if run.pushed_model:
            terminal.stdout().print(
                f"Serve it: tfx-pipeline serve --model-name {runner.config.model_name} "
                f"--model-base-path {shown_path(runner.config.push_dir)}"
            )
    return run.exit_code
