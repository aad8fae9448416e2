"""Imports `tfx.v1` in half the time, in a script that imports this library first.

`from tfx import v1 as tfx` imports every component of TFX with its executor, and so the clients
of Google's cloud and of Kubernetes. `lazy_imports` has stand-ins for them; they are applied while
`tfx.v1` is imported, and only then. Imports nothing itself: importing this library must be cheap.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Sequence
from typing import Any

_NAME = "tfx.v1"


def prepare() -> None:
    """Makes the first import of `tfx.v1` in this process a quick one."""
    if _NAME not in sys.modules and not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds `tfx.v1`, once."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != _NAME:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Quick(spec.loader)
        return spec


class _Quick(importlib.abc.Loader):
    """The real loader, inside `lazy_imports.importing`."""

    def __init__(self, real: Any):
        self._real = real

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        from tfx_pipeline.compat import lazy_imports

        module.__loader__ = self._real
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        with lazy_imports.importing(*lazy_imports.OF_TFX):
            self._real.exec_module(module)
