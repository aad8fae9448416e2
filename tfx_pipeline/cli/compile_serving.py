"""`tfx-pipeline compile serving`: manifests for Docker Compose and Kubernetes."""

from __future__ import annotations

import pathlib
from typing import Any

import click

from tfx_pipeline import terminal
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.serving import deploy
from tfx_pipeline.serving.deploy.spec import IMAGE, DeploymentSpec
from tfx_pipeline.serving.rollout import traffic_state
from tfx_pipeline.storage.atomic_write import write_atomically


@click.command("serving")
@click.option("--target", required=True, type=click.Choice([*deploy.TARGETS]), help="What runs it.")
@click.option(
    "--output", default="deploy", show_default=True, metavar="DIR", help="The folder to write to."
)
@click.option("--model-uri", metavar="URI", help="The push folder as the cluster sees it.")
@click.option("--canary-uri", metavar="URI", help="The canary's folder (KServe, Seldon).")
@click.option(
    "--namespace", default="default", show_default=True, help="The namespace in the cluster."
)
@click.option("--image", default=IMAGE, show_default=True, help="The image of the server.")
@click.option(
    "--min-replicas", type=int, default=2, show_default=True, help="The minimum number of replicas."
)
@click.option(
    "--max-replicas", type=int, default=6, show_default=True, help="The maximum number of replicas."
)
@click.option("--cpu", default="1", show_default=True, help="CPU cores for each replica.")
@click.option("--memory", default="1Gi", show_default=True, help="Memory for each replica.")
@click.option(
    "--canary-percent",
    type=float,
    help="The canary's share of the traffic.  [default: as 'canary' has set it]",
)
@terminal.config_options
@terminal.json_option
def command(target: str, output: str, canary_percent: float | None, **options: Any) -> None:
    """Write manifests that serve the pushed model with TensorFlow Serving.

    The labels and the canary's share are those that 'promote' and 'canary' have
    set. The files are written to DIR/TARGET.
    """
    config = load_config(options["config"], options["overrides"], root=options["root"])
    state = traffic_state.load(config.model_name, config.push_dir).state
    if canary_percent is not None:
        # Not validated here: `render` reports all problems together.
        state = state.model_copy(update={"canary_percent": canary_percent})
    names = ("model_uri", "canary_uri", "namespace", "image", "min_replicas", "max_replicas")
    chosen = {name: options[name] for name in (*names, "cpu", "memory")}
    spec = DeploymentSpec(config.model_name, config.push_dir, state=state, **chosen)
    files = deploy.render(target, spec)
    folder = pathlib.Path(output) / target
    for name, text in files.items():
        write_atomically(folder / name, text)
    paths = [str(folder / name) for name in files]
    if options["as_json"]:
        terminal.print_json({"target": target, "files": paths})
    else:
        click.echo("\n".join(paths))
