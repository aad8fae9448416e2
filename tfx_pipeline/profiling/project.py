"""Writes a project: all of its files, or none."""

from __future__ import annotations

import os
import pathlib
import re
import unicodedata
from collections.abc import Callable, Mapping

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.profiling.plan import Plan
from tfx_pipeline.profiling.schema_text import schema_pbtxt
from tfx_pipeline.profiling.yaml_text import pipeline_yaml
from tfx_pipeline.storage.atomic_write import write_atomically

_IGNORED = "build/\n.tfx-pipeline/\n__pycache__/\n"
_MOST_STEPS_UP = 2


def pipeline_name(data: str) -> str:
    """The pipeline's name for a table: lower-case letters, digits and `-`."""
    stem = pathlib.Path(data).name.partition(".")[0] or pathlib.Path(data).resolve().name
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:63].strip("-") or "table"


def path_from(folder: pathlib.Path, data: pathlib.Path) -> str:
    """The path of the data as `pipeline.yaml` names it: relative if both are near together."""
    relative = os.path.relpath(data.resolve(), folder.resolve())
    ups = pathlib.PurePath(relative).parts.count("..")
    return str(data.resolve()) if ups > _MOST_STEPS_UP else relative


def files(plan: Plan, name: str, path: str | None, shown: str) -> dict[str, str]:
    """The texts of the project's files by their paths in its folder.

    Args:
      plan: what was decided.
      name: the pipeline's name.
      path: `data.path`; None for a database.
      shown: where the rows are, for comments.
    """
    schema = f"schema/{name}.pbtxt"
    return {
        "pipeline.yaml": pipeline_yaml(plan, name, path, schema, path or shown),
        schema: schema_pbtxt(plan, path or shown),
        ".gitignore": _IGNORED,
        "README.md": _readme(plan, name),
    }


def _readme(plan: Plan, name: str) -> str:
    return (
        f"# {name}: predicts `{plan.label.name}` ({plan.label.task})\n"
        "- `tfx-pipeline check` checks pipeline.yaml; edit it, and the schema in schema/.\n"
        "- `tfx-pipeline run` trains, evaluates and pushes a model to build/serving/.\n"
        f"- `tfx-pipeline serve --model-name {name} --model-base-path build/serving/{name}`\n"
        f"- `tfx-pipeline predict --target localhost:8500 --model {name} ROWS.csv`\n"
    )


def write(
    folder: pathlib.Path,
    texts: Mapping[str, str],
    force: bool,
    check: Callable[[], None] = lambda: None,
) -> list[pathlib.Path]:
    """Writes the files.

    Args:
      folder: is made if it is absent.
      texts: by path in the folder.
      force: whether existing files are replaced.
      check: called when all are written; if it raises, they are taken back.

    Returns:
      The paths.

    Raises:
      ConfigError: a file exists; nothing was written.
      OSError: a file cannot be written; those that were new are removed again.
    """
    paths = {folder / name: text for name, text in texts.items()}
    taken = [str(path) for path in paths if os.path.lexists(path)]
    if taken and not force:
        exist = "exist" if len(taken) > 1 else "exists"
        remedy = "Name another folder with --output, or replace them with --force"
        raise ConfigError(Problem("", f"{', '.join(taken)} {exist} already", remedy))
    written: list[tuple[pathlib.Path, bytes | None]] = []
    try:
        for path, text in paths.items():
            before = path.read_bytes() if path.exists() else None
            write_atomically(path, text)
            written.append((path, before))
        check()
    except BaseException:
        for path, content in written:
            path.unlink() if content is None else write_atomically(path, content)
        raise
    return list(paths)
