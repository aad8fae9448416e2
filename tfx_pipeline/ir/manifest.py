"""The manifest: what an orchestrator must know of a compiled pipeline, as plain JSON.

Nodes in topological order, their edges, commands and runtime parameters.
Reading it takes neither TensorFlow nor TFX.
"""

from __future__ import annotations

import pathlib
from typing import Literal

import pydantic

from tfx_pipeline import errors
from tfx_pipeline.config.models import Section

FORMAT = 1


class Node(Section):
    """One node: its id, its component's type, its edges and the command that executes it.

    In `command`, `{pipeline}` stands for the path of pipeline.pb and `{run_id}`
    for the run's id.
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
    """A compiled pipeline as orchestrators see it."""

    format: Literal[1] = FORMAT
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

    @property
    def node_ids(self) -> tuple[str, ...]:
        return tuple(node.id for node in self.nodes)

    def to_json(self) -> str:
        return self.model_dump_json(indent=1) + "\n"


def read(path: pathlib.Path) -> Manifest:
    """Reads manifest.json.

    Raises:
      ConfigError: there is none, or it is none of ours.
    """
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise errors.ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except pydantic.ValidationError as error:
        found = error.errors()[0]
        where = ".".join(str(part) for part in found["loc"])
        raise errors.ConfigError(f"{path}: is no manifest: {where}: {found['msg']}") from error
