"""Runs the pipeline on this machine: `python runners/local_runner.py`."""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tfx_pipeline import errors, terminal
from tfx_pipeline.compiler import compile_cache
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.ir import manifest
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.metadata.run_history import Runs
from tfx_pipeline.metadata.run_record import NodeRun, Run
from tfx_pipeline.orchestrators.base_runner import Runner, ensure_writable
from tfx_pipeline.orchestrators.local import node_by_node, run_folder
from tfx_pipeline.orchestrators.local.local_run import Execution, Plan
from tfx_pipeline.orchestrators.local.progress import print_run, show_progress, shown_path
from tfx_pipeline.storage import run_ids, ui_address
from tfx_pipeline.storage.atomic_write import write_atomically
from tfx_pipeline.storage.layout import CompiledLayout, Layout, RunLayout
from tfx_pipeline.user_code import finder

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

    from tfx_pipeline.metadata.history import History

_log = logging.getLogger(__name__)


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
        self.run_id = resume or run_id or run_ids.new()
        self._first, self._last = first, last
        self._jobs = jobs or os.cpu_count() or 1
        self._cache = cache
        self._started = time.time()
        self._history: History | None = None
        self._target: str | None = None
        self._inputs: node_by_node.Inputs | None = None

    @property
    def files(self) -> RunLayout:
        """The run's folder."""
        return self._layout.run(self.run_id)

    def run_node(self, node: str, *, again: bool = False) -> NodeRun:
        """Runs one node, and before it the nodes that it needs and that have not run yet.

        Calls one after the other continue the same run, the one with the id `run_id`. If the
        code, the files or the data of a node that has run have changed since, a new run starts:
        its nodes are taken from the cache where nothing has changed, and executed where it has.
        A runner's configuration does not change: make another runner for another one.

        Args:
          node: the node's name, for example `StatisticsGen`.
          again: start a new run in any case. That is for changes that are not in local files:
            the rows of a database, files on an object store.

        Returns:
          How the node ended. A notebook shows it with the artifacts that the node has made.

        Raises:
          ConfigError: there is no such node, or the configuration is wrong.
          NodeError: the node, or one that it needs, failed. Fix it and call again.
          Refused: a gate refused the data or the model.
        """
        compiled = CompiledLayout(self.files.folder)
        finder.add_to_import_path(self.config.folder)  # code is found as the nodes find it
        inputs = node_by_node.Inputs.of(self.config, is_object=self._pipeline is not None)
        progress = node_by_node.Progress()
        if self._resume and compiled.ir.exists():
            progress = node_by_node.Progress.of(self._open_history(compiled), self.run_id, compiled)
        if again or progress.changed or self._inputs not in (None, inputs):
            self.run_id, self._resume = run_ids.new(), False
        elif node in progress.ended:
            return Runs(self._layout, self._history).get(self.run_id).nodes[node]
        self._inputs, self._target, self._started = inputs, node, time.time()
        try:
            run = self.run()
        finally:
            self._target = None
        plan = manifest.read(CompiledLayout(self.files.folder).manifest)
        return node_by_node.ensure_ended_well(run, node, node_by_node.with_upstream(plan, node))

    @contextlib.contextmanager
    def workspace(self) -> Iterator[pathlib.Path]:
        """The run's own folder, locked; the compiled pipeline stays in it.

        Raises:
          ConfigError: the id is malformed, is in use, or, with `resume`, unknown.
        """
        if not run_ids.PATTERN.fullmatch(self.run_id):
            rule = "must be letters, digits and . _ : + @ - (at most 128)"
            raise errors.ConfigError(errors.Problem("--run-id", f"{rule}, found {self.run_id!r}"))
        ensure_writable(self._layout.home)
        plan = CompiledLayout(self.files.folder).manifest
        if self._resume and not plan.exists():
            known = [folder.name for folder in self._layout.runs.glob("*")]
            hint = errors.did_you_mean(self.run_id, known)
            raise errors.ConfigError(errors.Problem("--resume", f"no run {self.run_id!r}", hint))
        with run_folder.locked(self.files, "--resume" if self._resume else "--run-id"):
            if not self._resume and plan.exists():
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
        excluded = {node.node_info.id for node in nodes if partial_run.is_skipped(node)}
        ended: tuple[str, ...] = ()
        if self._target is not None:
            self._resume = True  # the next call continues this run
            needed = node_by_node.with_upstream(plan, self._target)
            history = self._open_history(compiled)
            ended = node_by_node.Progress.of(history, self.run_id, compiled).ended
            excluded |= {*plan.node_ids} - {*needed} | {*ended}
        execution_plan = Plan(
            run_id=self.run_id,
            manifest=plan,
            compiled=compiled,
            files=self.files,
            history=self._open_history(compiled),
            excluded=frozenset(excluded),
            details=node_by_node.details(self.files, ended),
            jobs=self._jobs,
            cache=self._cache is not False,
            started=self._started,
        )
        with show_progress(terminal.stderr()) as observer:
            run = Execution(execution_plan, self.worker, observer).run()
        if plan.report:
            self._write_report(execution_plan.history)
        return Runs(self._layout, execution_plan.history).attach(run)

    def _write_report(self, history: History) -> None:
        """Writes report.html, also of a run that failed. Without it the run is as good."""
        from tfx_pipeline.report import build

        try:
            report = build.of_run(Runs(self._layout, history), self._layout, self.run_id)
            write_atomically(self.files.report, report.html.encode())
        except Exception as error:
            _log.warning("no report was written: %s: %s", type(error).__name__, error)
            _log.debug("the report", exc_info=True)


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
        address = ui_address.find(runner.config.root)
        if address:
            page = ui_address.of_run(address, runner.config.name, runner.run_id)
            terminal.stderr().print(f"Look at it: {page}")
    run = runner.run()
    if as_json:
        click.echo(run.to_json(), nl=False)
    else:
        print_run(terminal.stdout(), run)
        if runner.files.report.exists():
            terminal.stdout().print(f"Report: {shown_path(str(runner.files.report))}")
        if run.pushed_model:
            terminal.stdout().print(
                f"Serve it: tfx-pipeline serve --model-name {runner.config.model_name} "
                f"--model-base-path {shown_path(runner.config.push_dir)}"
            )
    return run.exit_code
