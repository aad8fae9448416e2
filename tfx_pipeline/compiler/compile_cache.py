"""Reuses an earlier run's compiled pipeline if compiling would give the same bytes.

Compiling imports TensorFlow and every component, which takes seconds, also in a run
whose nodes are all cached. So a run stores beside its compiled pipeline a key: a digest
of everything that the pipeline depends on.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import pathlib
import sys

from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.storage.atomic_write import write_atomically
from tfx_pipeline.storage.layout import CompiledLayout, package_parent
from tfx_pipeline.user_code import code_digest

LIBRARY = package_parent() / "tfx_pipeline"


def key(config: PipelineConfig, library: pathlib.Path = LIBRARY) -> str | None:
    """A digest of the configuration, this library and TFX.

    None if a user's code creates the pipeline: it may depend on anything.
    """
    if not config.modules.only_standard_nodes:
        return None
    source = hashlib.sha256()
    for path in sorted(library.rglob("*.py")):
        source.update(f"{path.relative_to(library)}\0{code_digest.file_digest(path)}\n".encode())
    parts = {
        "config": config.dump(),
        "folder": str(config.folder),
        "library": source.hexdigest(),
        "versions": [importlib.metadata.version("tfx"), sys.version],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def store_key(compiled: CompiledLayout, key: str) -> None:
    """Stores the key of a compiled pipeline beside it."""
    write_atomically(compiled.key, key)


def copy_from_earlier_run(
    runs: pathlib.Path, key: str, folder: pathlib.Path
) -> CompiledLayout | None:
    """Copies the pipeline of the latest run that has this key to `folder`; None if none has."""
    target = CompiledLayout(folder)
    for run in sorted(runs.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True):
        found = CompiledLayout(run)
        if found.key.exists() and found.key.read_text() == key:
            write_atomically(target.ir, found.ir.read_bytes())
            write_atomically(target.manifest, found.manifest.read_bytes())
            return target
    return None
