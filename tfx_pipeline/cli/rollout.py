"""`tfx-pipeline promote`, `canary` and `rollback`: which version receives which traffic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from tfx_pipeline import terminal
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.serving.client.traffic_split import CANARY, STABLE
from tfx_pipeline.serving.rollout import traffic_state
from tfx_pipeline.serving.rollout.traffic_state import Traffic

_TIMEOUT_SECONDS = 120.0


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        terminal.json_option,
        click.option(
            "--timeout",
            type=click.FloatRange(0, min_open=True),
            default=_TIMEOUT_SECONDS,
            show_default=True,
            help="Seconds to wait for the server.",
        ),
        click.option(
            "--target",
            metavar="HOST:PORT",
            help="A server to wait for: TensorFlow Serving must have loaded a version before "
            "a label can be assigned to it. The local server needs no --target.",
        ),
        terminal.config_options,
    ):
        function = option(function)
    return function


@click.command("promote")
@click.argument("version", type=click.IntRange(1))
@click.option("--label", default=STABLE, show_default=True, help="The label.")
@_options
def promote(version: int, label: str, **options: Any) -> None:
    """Assign a label to VERSION. Servers that poll the configuration switch to it.

    After the first promotion, only versions with a label are served.
    """
    _change(options, lambda before: before.promoted(version, label))


@click.command("canary")
@click.argument("version", type=click.IntRange(1))
@click.option("--percent", type=click.FloatRange(0, 100), required=True, help="Its share of rows.")
@_options
def canary(version: int, percent: float, **options: Any) -> None:
    """Send a share of the rows to VERSION.

    The clients split the traffic, not the servers: 'tfx-pipeline predict --split' and
    tfx_pipeline.serving.Split do so by a hash of each row's key.
    """
    _change(options, lambda before: before.with_canary(version, percent))


@click.command("rollback")
@_options
def rollback(**options: Any) -> None:
    """Undo the last promote or canary."""
    _change(options, Traffic.rolled_back)


def _change(options: dict[str, Any], change: Callable[[Traffic], Traffic]) -> None:
    from tfx_pipeline.serving.rollout import apply as rollout

    config = load_config(options["config"], options["overrides"], root=options["root"])
    before = traffic_state.load(config.model_name, config.push_dir)
    after = change(before)
    rollout.apply(before, after, options["target"], options["timeout"])
    if options["as_json"]:
        terminal.print_json({"model": after.model, **after.state.model_dump()})
        return
    for label, version in after.state.labels.items():
        is_canary = label == CANARY
        share = f", {after.state.canary_percent:g} % of the rows" if is_canary else ""
        terminal.stdout().print(f"{label}: version {version}{share}")
    if not after.state.labels:
        terminal.stdout().print("no labels: the latest version receives all traffic")
