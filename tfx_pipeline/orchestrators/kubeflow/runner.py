"""Writes the pipeline for a cluster: `python runners/kubeflow_runner.py --image IMAGE`."""

from __future__ import annotations

import datetime
import pathlib
from typing import TYPE_CHECKING, Any

import click

from tfx_pipeline import errors, terminal
from tfx_pipeline.config.kubernetes_types import is_image
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.models import Config, PipelineConfig
from tfx_pipeline.ir import data_uri
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.orchestrators.base_runner import Runner
from tfx_pipeline.orchestrators.kubeflow import (
    argo,
    config_warnings,
    kfp_subprocess,
    output_file,
    path_relocation,
    submission,
)
from tfx_pipeline.orchestrators.kubeflow.plan import TRAINER, TUNER, Plan, make_plan
from tfx_pipeline.storage.layout import CompiledLayout, Layout, is_remote

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

FORMATS = ("kfp", "argo")


class KubeflowRunner(Runner[Plan]):
    """Writes a file that a cluster runs: one container for each node, with the node command.

    Args:
      source: a configuration, or a TFX pipeline object.
      image: the container image, with the project in its working directory.
      file: the file to write.
      format: `kfp` for Kubeflow Pipelines, `argo` for Argo Workflows.
    """

    def __init__(
        self,
        source: PipelineConfig | Pipeline,
        *,
        image: str,
        file: pathlib.Path,
        format: str = "kfp",
    ) -> None:
        super().__init__(source)
        self._image = image
        self._file = file
        self._format = format

    def run(self) -> Plan:
        """Compiles and writes the pipeline; returns the plan that was written.

        Raises:
          ConfigError: the image's name is not valid, kfp is not installed, the file was
            not written by this project, or the configuration is wrong.
        """
        if not is_image(self._image):
            remedy = "Use registry.example/team/pipeline:1.0 or a name with @sha256:DIGEST"
            message = f"{self._image!r} is not a valid image name"
            raise errors.ConfigError(errors.Problem("--image", message, remedy))
        output_file.ensure_ours(self._file)
        if self._format == "kfp":
            kfp_subprocess.find_python()
        return super().run()

    @property
    def config_to_compile(self) -> PipelineConfig:
        """The configuration with the image's paths."""
        return path_relocation.in_image(self.config)

    def orchestrate(self, compiled: CompiledLayout, plan: Manifest) -> Plan:
        """Plans the steps and writes them in the chosen format."""
        source = self._source(compiled, plan)
        steps = make_plan(plan, self.config.kubeflow, self._image, source, self._workers())
        if self._format == "argo":
            text = argo.write(steps, self.config.kubeflow.schedule)
        else:
            target = compiled.folder / "kubeflow.yaml"
            kfp_subprocess.run("kfp_compiler.py", steps.model_dump(mode="json"), str(target))
            text = target.read_text()
        output_file.write(self._file, text)
        return steps

    def _workers(self) -> dict[str, int]:
        """How many pods train together in a Trainer and in a Tuner."""
        if not isinstance(self.config, Config):
            return {}
        tuning = self.config.tuning
        return {TRAINER: self.config.training.processes, TUNER: tuning.workers if tuning else 1}

    def _source(self, compiled: CompiledLayout, plan: Manifest) -> str:
        """The value of `--pipeline`: the pipeline itself, or the URI it was uploaded to."""
        text = data_uri.encode(compiled.ir.read_bytes())
        limit = data_uri.limit(len(plan.nodes) + bool(plan.report))
        if len(text) <= limit:
            return text
        layout = Layout(self.config.root, self.config.name)
        if not is_remote(layout.root):
            raise errors.ConfigError(
                f"the compiled pipeline has {len(text):,} bytes, but a step's command line can "
                f"hold {limit:,}. Set root to an object store (s3://, gs://) to pass it by URI"
            )
        uri = layout.compiled(plan.ir_sha256)
        log = compiled.folder / "logs" / "upload.log"
        self.worker.run("upload", log, file=str(compiled.ir), uri=uri)
        return uri


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@terminal.config_options
@click.option("--image", required=True, help="The container image that executes the nodes.")
@click.option("--output", "file", required=True, metavar="FILE.yaml", help="The file to write.")
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    default="kfp",
    show_default=True,
    help="For Kubeflow Pipelines, or for Argo Workflows without Kubeflow.",
)
@click.option(
    "--submit", metavar="HOST", help="Upload it to Kubeflow Pipelines at HOST and start it."
)
@click.option("--namespace", help="The user's namespace in a multi-user Kubeflow.")
@click.option("--experiment", help="The experiment of its runs.  [default: the pipeline's name]")
@click.option("--version", help="The uploaded version's name.  [default: the time in UTC]")
@terminal.json_option
def command(
    config: str,
    overrides: tuple[str, ...],
    root: str | None,
    image: str,
    file: str,
    format: str,
    submit: str | None,
    namespace: str | None,
    experiment: str | None,
    version: str | None,
    as_json: bool,
) -> None:
    """Write the pipeline for Kubeflow Pipelines or Argo Workflows.

    Each node becomes a container of IMAGE that runs the node command. The section
    `kubeflow` of the configuration sets the steps' resources. With --submit, the
    pipeline is uploaded as a new version and started; if it has a schedule, a
    recurring run replaces the earlier one. The API's token is read from
    TFX_PIPELINE_KFP_TOKEN, cookies from TFX_PIPELINE_KFP_COOKIES.
    """
    if format == "argo" and submit:
        raise click.UsageError("--submit requires --format kfp; for Argo: argo submit FILE")
    loaded = load_config(config, overrides, root=root)
    for warning in config_warnings.warnings(path_relocation.in_image(loaded)):
        click.echo(f"warning: {warning}", err=True)
    path = pathlib.Path(file)
    runner = KubeflowRunner(loaded, image=image, file=path, format=format)
    steps = runner.run()
    result: dict[str, Any] = {
        "file": str(path),
        "pipeline": steps.name,
        "steps": len(steps.steps),
    }
    if submit:
        target = submission.Target(host=submit, namespace=namespace, experiment=experiment)
        now = datetime.datetime.now(datetime.timezone.utc)
        name = version or now.strftime("%Y%m%d-%H%M%S")
        result |= submission.submit(path, steps, loaded.kubeflow, target, name)
    if as_json:
        terminal.print_json(result)
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    click.echo(f"{result['file']}: {result['steps']} steps")
    if "version" in result:
        click.echo(f"uploaded to {result['host']} as version {result['version']}")
    for key, what in {"run_id": "run", "recurring_run_id": "recurring run"}.items():
        if key in result:
            click.echo(f"{what} {result[key]}")
