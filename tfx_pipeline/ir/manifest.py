"""The manifest: a compiled pipeline for orchestrators, as plain JSON.

It contains the nodes in topological order, their edges, commands and runtime parameters.
Reading it needs neither TensorFlow nor TFX.
"""

from __future__ import annotations

import pathlib
from typing import Literal

import pydantic

from tfx_pipeline import errors
from tfx_pipeline.config.base import Section

_PIPELINE, _RUN = ("--pipeline", "{pipeline}"), ("--run-id", "{run_id}")

REPORT_COMMAND = ("python", "-m", "tfx_pipeline.report", *_PIPELINE, *_RUN)
"""The command that writes the report of a run."""


def node_command(node: str) -> tuple[str, ...]:
    """The command that executes a node."""
    return ("python", "-m", "tfx_pipeline.node", *_PIPELINE, "--node", node, *_RUN)


class Node(Section):
    """One node: its id, its component's type, its edges and the command that executes it.

    In `command`, `{pipeline}` is replaced by the path of pipeline.pb and `{run_id}` by
    the run's id.
    """

    id: str
    type: str
    upstream: tuple[str, ...] = ()
    downstream: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


class Parameter(Section):
    """A runtime parameter: its type, its default, and the nodes that read it."""

    type: Literal["int", "float", "string"]
    default: int | float | str | None = None
    nodes: tuple[str, ...] = ()


class Manifest(Section):
    """A compiled pipeline as orchestrators see it.

    Attributes:
      format: the version of this format.
      tfx: the version of TFX that compiled it.
      ir: the file name of the IR.
      root: the folder of the nodes' artifacts.
      metadata: where ML Metadata is, as in the configuration.
      report: the command that writes the report of a run, with the same placeholders as the
        nodes' commands. Empty: runs have no report.
    """

    format: Literal[1] = 1
    pipeline: str
    description: str = ""
    tfx: str
    ir: str = "pipeline.pb"
    ir_sha256: str
    root: str
    metadata: str
    push_dir: str
    model_name: str
    nodes: tuple[Node, ...]
    parameters: dict[str, Parameter] = {}
    report: tuple[str, ...] = REPORT_COMMAND

    @property
    def node_ids(self) -> tuple[str, ...]:
        """The ids of the nodes in topological order."""
        return tuple(node.id for node in self.nodes)

    def to_json(self) -> str:
        """The content of manifest.json."""
        return self.model_dump_json(indent=1) + "\n"


def read(path: pathlib.Path) -> Manifest:
    """Reads manifest.json.

    Raises:
      ConfigError: it cannot be read, or is not a manifest.
    """
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise errors.ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except pydantic.ValidationError as error:
        found = error.errors()[0]
        where = ".".join(str(part) for part in found["loc"])
        raise errors.ConfigError(f"{path}: not a manifest: {where}: {found['msg']}") from error
