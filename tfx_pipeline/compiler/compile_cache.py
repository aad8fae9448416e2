"""Compiling is spared where an earlier run's pipeline would come out again.

Compiling imports TensorFlow and every component: seconds of a run that finds all else
in the cache. Equal configurations give equal bytes; so a run leaves, beside its pipeline,
a key of all that the pipeline depends on.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import pathlib
import sys

from tfx_pipeline.config.models import Config, Modules
from tfx_pipeline.storage.atomic_write import write_atomically
from tfx_pipeline.storage.layout import CompiledLayout, package_parent
from tfx_pipeline.user_code import code_digest

_LIBRARY = package_parent() / "tfx_pipeline"


def key(config: Config) -> str | None:
    """A digest of the configuration, this library and TFX.

    None where a user's code makes the pipeline: nobody knows what it depends on.
    """
    own = Modules()
    if (config.modules.create_pipeline, config.modules.extend) != (own.create_pipeline, own.extend):
        return None
    parts = {
        "config": config.dump(),
        "folder": str(config.folder),
        "library": _library(),
        "versions": [importlib.metadata.version("tfx"), sys.version],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _library() -> str:
    digest = hashlib.sha256()
    for path in sorted(_LIBRARY.rglob("*.py")):
        digest.update(f"{path.relative_to(_LIBRARY)}\0{code_digest.file_digest(path)}\n".encode())
    return digest.hexdigest()


def note(compiled: CompiledLayout, wanted: str) -> None:
    """Says of which key a compiled pipeline is."""
    write_atomically(compiled.key, wanted)


def reuse(runs: pathlib.Path, wanted: str, folder: pathlib.Path) -> CompiledLayout | None:
    """Copies the pipeline of the latest run that has this key; None where there is none."""
    target = CompiledLayout(folder)
    for run in sorted(runs.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True):
        found = CompiledLayout(run)
        if found.key.exists() and found.key.read_text() == wanted:
            write_atomically(target.ir, found.ir.read_bytes())
            write_atomically(target.manifest, found.manifest.read_bytes())
            return target
    return None
