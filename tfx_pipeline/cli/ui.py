"""`tfx-pipeline ui`: a local page over all runs."""

from __future__ import annotations

import asyncio
import pathlib
import signal
import socket
from typing import TYPE_CHECKING

import click

from tfx_pipeline import errors, terminal
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.storage.layout import is_remote

if TYPE_CHECKING:
    from tornado.web import Application

    from tfx_pipeline.report.ui.pages import Pages

_PORT = 8502


@click.command("ui")
@terminal.config_options
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT,
    show_default=True,
    help="0 takes a free one.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen at. If others can reach it, the page needs a token.",
)
@click.option("--target", metavar="HOST:PORT", help="A model server whose versions to show.")
@click.option(
    "--allow-actions",
    is_flag=True,
    help="Let the page promote versions, choose a canary, roll back and start runs. It then needs "
    "a token.",
)
@click.option("--open", "open_it", is_flag=True, help="Open the page in a browser.")
def command(
    config: str,
    overrides: tuple[str, ...],
    root: str | None,
    port: int,
    host: str,
    target: str | None,
    allow_actions: bool,
    open_it: bool,
) -> None:
    """Serve a local page over all runs: live states, logs, metrics, artifacts, models.

    It shows all pipelines below the root, and those in its MySQL database. It is
    read-only unless --allow-actions is given. Without a configuration, --root is enough.
    End it with Ctrl-C.
    """
    loaded, has_config = _configuration(config, overrides, root)
    listening = _listen(host, port)
    port = listening.getsockname()[1]

    from tfx_pipeline.report.ui import access, actions, pages, server
    from tfx_pipeline.report.ui.store import Store

    rules = access.for_server(host, port, allow_actions)
    made = pages.Pages(Store(loaded), rules, target, can_start=has_config)
    starter = None
    if has_config:
        starter = actions.Starter(loaded, _run_options(config, overrides, root))
    app = server.application(made, rules, starter, target)
    asyncio.run(_serve(app, made, listening, rules.address, open_it))


def _configuration(
    config: str, overrides: tuple[str, ...], root: str | None
) -> tuple[PipelineConfig, bool]:
    """The configuration, and whether there is a file; without one, a root with SQLite."""
    if root is not None and not pathlib.Path(config).exists() and not overrides:
        if not is_remote(root) and not pathlib.Path(root).is_dir():
            remedy = f"Name the folder of the runs; there is no {config} either"
            message = f"there is no folder {root!r}"
            raise errors.ConfigError(errors.Problem("--root", message, remedy))
        return PipelineConfig(name="none", root=root), False
    return load_config(config, overrides, root=root), True


def _run_options(config: str, overrides: tuple[str, ...], root: str | None) -> list[str]:
    options = ["--config", config, *(part for o in overrides for part in ("--set", o))]
    return [*options, "--root", root] if root is not None else options


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
      ConfigError: the address cannot be used.
    """
    name = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((name, port))
    except OSError as error:
        listening.close()
        message = f"cannot listen at {host}:{port}: {error.strerror or error}"
        remedy = "Choose another one, for example --port 0, which takes a free one"
        raise errors.ConfigError(errors.Problem("--port", message, remedy)) from error
    listening.listen(128)
    listening.setblocking(False)
    return listening


async def _serve(
    app: Application, made: Pages, listening: socket.socket, address: str, open_it: bool
) -> None:
    """Serves until a signal, and keeps the address where `tfx-pipeline run` finds it."""
    from tfx_pipeline.report.ui import server
    from tfx_pipeline.storage import ui_address

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    with ui_address.published(made.store.config.root, address):
        terminal.stderr().print("Serving the runs. End it with Ctrl-C.")
        click.echo(address)
        if open_it:
            click.launch(address)
        await server.serve(app, made, [listening], ended)
