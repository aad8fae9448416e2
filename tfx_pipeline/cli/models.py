"""`tfx-pipeline models`: the pushed versions, and which labels point to them."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from tfx_pipeline import terminal
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.metadata.run_history import open_runs
from tfx_pipeline.metadata.run_record import Run
from tfx_pipeline.serving.client.traffic_split import CANARY
from tfx_pipeline.serving.rollout import traffic_state
from tfx_pipeline.serving.rollout.traffic_state import Traffic

_METRICS_SHOWN = 2


@click.command("models")
@terminal.config_options
@click.option("--target", metavar="HOST:PORT", help="Also show their states on this server.")
@terminal.json_option
def command(
    config: str, root: str | None, overrides: tuple[str, ...], target: str | None, as_json: bool
) -> None:
    """List the pushed versions, oldest first: run, metrics, blessing, labels."""
    loaded = load_config(config, overrides, root=root)
    found = traffic_state.load(loaded.model_name, loaded.push_dir)
    states = _states(found.model, target)
    versions = found.versions()
    runs = _runs(loaded, versions)
    rows = [_describe(version, found, runs, states) for version in versions]
    if as_json:
        document = {"model": found.model, "push_dir": found.base_path, "versions": rows}
        terminal.print_json({**document, "canary_percent": found.state.canary_percent})
    elif rows:
        terminal.stdout().print(_table(rows, found, with_states=target is not None))
    else:
        terminal.stderr().print(
            f"Nothing has been pushed to {found.base_path} yet. Start a run: tfx-pipeline run"
        )


def _states(model: str, target: str | None) -> dict[int, str]:
    if target is None:
        return {}
    from tfx_pipeline.serving.client.sync import Client

    with Client(target, model) as client:
        return client.versions()


def _runs(config: PipelineConfig, versions: list[int]) -> dict[int, Run]:
    """The run that pushed each version."""
    if not versions:
        return {}
    return {int(name): run for name, run in open_runs(config).pushed(map(str, versions)).items()}


def _describe(
    version: int, found: Traffic, runs: dict[int, Run], states: dict[int, str]
) -> dict[str, Any]:
    run = runs.get(version)
    return {
        "version": version,
        "run_id": run.run_id if run else None,
        "blessed": run.blessed if run else None,
        "metrics": run.metrics if run else {},
        "labels": [label for label, at in found.state.labels.items() if at == version],
        "state": states.get(version),
    }


def _table(rows: list[dict[str, Any]], found: Traffic, *, with_states: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("version", "run", "blessed", "metrics", "labels"):
        table.add_column(name, no_wrap=True)
    if with_states:
        table.add_column("server", no_wrap=True)
    for row in rows:
        shown = [*row["metrics"].items()][:_METRICS_SHOWN]
        cells = [
            str(row["version"]),
            row["run_id"] or "-",
            {True: "yes", False: "no", None: "-"}[row["blessed"]],
            "  ".join(f"{name} {value:.4g}" for name, value in shown),
            ", ".join(_label(label, found) for label in row["labels"]) or "-",
        ]
        table.add_row(*cells, *([row["state"] or "-"] if with_states else []))
    return table


def _label(label: str, found: Traffic) -> str:
    percent = f" {found.state.canary_percent:g} %" if label == CANARY else ""
    return f"{label}{percent}"
