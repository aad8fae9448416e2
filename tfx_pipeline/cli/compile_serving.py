"""`tfx-pipeline compile serving`: manifests for Docker Compose or Kubernetes."""

from __future__ import annotations

import pathlib
from typing import Any

import click

from tfx_pipeline import terminal
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.serving import deploy as manifests
from tfx_pipeline.serving.deploy.spec import IMAGE, Plan
from tfx_pipeline.serving.rollout import traffic_state
from tfx_pipeline.storage.atomic_write import write_atomically


@click.command("serving")
@click.option(
    "--target", required=True, type=click.Choice([*manifests.TARGETS]), help="The platform."
)
@click.option(
    "--output", default="deploy", show_default=True, metavar="DIR", help="The output folder."
)
@click.option("--model-uri", metavar="URI", help="The push folder's URI in the cluster.")
@click.option("--canary-uri", metavar="URI", help="The canary's folder (KServe, Seldon).")
@click.option("--namespace", default="default", show_default=True)
@click.option("--image", default=IMAGE, show_default=True)
@click.option("--min-replicas", type=int, default=2, show_default=True)
@click.option("--max-replicas", type=int, default=6, show_default=True)
@click.option("--cpu", default="1", show_default=True, help="Cores of each replica.")
@click.option("--memory", default="1Gi", show_default=True, help="Memory of each replica.")
@click.option("--canary-percent", type=float, help="[default: the percentage set by 'canary']")
@terminal.config_options
@terminal.json_option
def command(target: str, output: str, canary_percent: float | None, **options: Any) -> None:
    """Write manifests that serve the pushed model with TensorFlow Serving.

    They use the labels set by 'promote' and the canary's share set by 'canary'.
    Files are written to DIR/TARGET.
    """
    config = load_config(options["config"], options["overrides"], root=options["root"])
    state = traffic_state.load(config.model_name, config.push_dir).state
    if canary_percent is not None:
        # Not checked here: `render` reports all problems together.
        state = state.model_copy(update={"canary_percent": canary_percent})
    names = ("model_uri", "canary_uri", "namespace", "image", "min_replicas", "max_replicas")
    chosen = {name: options[name] for name in (*names, "cpu", "memory")}
    plan = Plan(config.model_name, config.push_dir, state=state, **chosen)
    files = manifests.render(target, plan)
    folder = pathlib.Path(output) / target
    for name, text in files.items():
        write_atomically(folder / name, text)
    paths = [str(folder / name) for name in files]
    if options["as_json"]:
        terminal.print_json({"target": target, "files": paths})
    else:
        click.echo("\n".join(paths))
