"""Names of a package that are imported when they are first used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(
    package: str, modules: Mapping[str, str], before_import: Callable[[], None] = lambda: None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Returns the `__getattr__` and the `__dir__` of a package.

    A name that was looked up once is stored in the package, so that Python finds it
    there the next time.

    Args:
      package: the package's `__name__`.
      modules: the module that defines each name.
      before_import: called before a module is imported.
    """
    namespace = vars(sys.modules[package])

    def look_up(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        before_import()
        namespace[name] = getattr(importlib.import_module(modules[name]), name)
        return namespace[name]

    def names() -> list[str]:
        return sorted({*namespace, *modules})

    return look_up, names
