"""Writes the pipeline as a DAG of Airflow 3: `python runners/airflow_runner.py --output DIR`."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import click

from tfx_pipeline import terminal
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.orchestrators.airflow import dag
from tfx_pipeline.orchestrators.base_runner import Runner, ensure_writable
from tfx_pipeline.storage.atomic_write import write_atomically
from tfx_pipeline.storage.layout import CompiledLayout, DagsLayout

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline


class AirflowRunner(Runner[DagsLayout]):
    """Writes `<name>_dag.py` and, beside it, the folder `<name>/` with IR and manifest.

    Args:
      source: a configuration, or a TFX pipeline object.
      output: Airflow's DAGs folder, or another folder to copy the files from.
    """

    def __init__(self, source: PipelineConfig | Pipeline, output: str | pathlib.Path) -> None:
        super().__init__(source)
        self.files = DagsLayout(pathlib.Path(output).absolute(), self.config.name)

    def run(self) -> DagsLayout:
        """Checks, compiles and writes the files; returns their paths."""
        ensure_writable(self.files.folder)
        return super().run()

    def orchestrate(self, compiled: CompiledLayout, plan: Manifest) -> DagsLayout:
        """Writes IR, manifest and DAG file."""
        # The IR's name contains its digest, and the DAG file is written last. So Airflow
        # finds the matching IR for each DAG file, even if it reads at the same time.
        ir_file = self.files.ir(plan.ir_sha256)
        text = dag.render(plan, self.config, ir_file.name)
        write_atomically(ir_file, compiled.ir.read_bytes())
        named = plan.model_copy(update={"ir": ir_file.name})
        write_atomically(self.files.manifest, named.to_json())
        write_atomically(self.files.dag, text)
        return self.files


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@terminal.config_options
@click.option("--output", required=True, metavar="DIR", help="Airflow's DAGs folder.")
@terminal.json_option
def command(
    config: str, overrides: tuple[str, ...], root: str | None, output: str, as_json: bool
) -> None:
    """Write the pipeline as a DAG of Airflow 3.

    Writes <name>_dag.py and the folder <name>/ to DIR. If Airflow reads another
    folder, copy both there. This project need not be installed in Airflow.
    """
    runner = AirflowRunner(load_config(config, overrides, root=root), output)
    files = runner.run()
    if as_json:
        terminal.print_json({"dag": str(files.dag), "folder": str(files.compiled)})
        return
    click.echo(files.dag)
    click.echo(files.compiled)
    pools = runner.config.airflow.pools
    if pools:
        terminal.stderr().print(
            "If a pool does not exist, Airflow leaves tasks queued forever. Create these pools: "
            f"{', '.join(pools)} (airflow pools set NAME SLOTS DESCRIPTION)"
        )
