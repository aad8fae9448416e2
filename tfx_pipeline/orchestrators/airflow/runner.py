"""Writes the pipeline as a DAG of Airflow 3: `python runners/airflow_runner.py --output DIR`."""

from __future__ import annotations

import pathlib

import click

from tfx_pipeline import terminal
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.models import Config
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.orchestrators.airflow import dag
from tfx_pipeline.orchestrators.base_runner import Runner, ensure_writable
from tfx_pipeline.storage.atomic_write import write_atomically
from tfx_pipeline.storage.layout import CompiledLayout, DagsLayout


class AirflowRunner(Runner[DagsLayout]):
    """Writes `<name>_dag.py` and, beside it, the folder `<name>/` with IR and manifest.

    Args:
      output: Airflow's DAGs folder, or any other to copy from.
    """

    def __init__(self, config: Config, output: str | pathlib.Path):
        super().__init__(config)
        self.files = DagsLayout(pathlib.Path(output).absolute(), config.name)

    def run(self) -> DagsLayout:
        ensure_writable(self.files.folder)
        return super().run()

    def orchestrate(self, compiled: CompiledLayout, plan: Manifest) -> DagsLayout:
        # The IR's name holds its digest, and the DAG file comes last. So whoever reads
        # at the same time finds for each DAG file the IR that belongs to it.
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
def command(config, overrides, root, output, as_json):
    """Write the pipeline as a DAG of Airflow 3.

    Writes <name>_dag.py and the folder <name>/ into DIR; copy both when Airflow
    looks elsewhere. Airflow needs nothing of this project installed.
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
            f"Tasks wait for ever for a pool that Airflow does not have. Needed: {', '.join(pools)}"
            " (airflow pools set NAME SLOTS DESCRIPTION)"
        )
