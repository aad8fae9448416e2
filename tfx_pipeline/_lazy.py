"""Names and modules that are imported when they are first used."""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any


def lazy_names(
    package: str,
    modules: Mapping[str, str],
    importing: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext,
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Returns the `__getattr__` and the `__dir__` of a package.

    A name that was looked up once is stored in the package, so that Python finds it
    there the next time.

    Args:
      package: the package's `__name__`.
      modules: the module that defines each name.
      importing: the context to import a module in.
    """
    namespace = vars(sys.modules[package])

    def look_up(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with importing():
            module = importlib.import_module(modules[name])
        namespace[name] = getattr(module, name)
        return namespace[name]

    def names() -> list[str]:
        return sorted({*namespace, *modules})

    return look_up, names


@contextlib.contextmanager
def deferring(*names: str) -> Iterator[None]:
    """Modules imported inside get stand-ins of the named modules, imported on their first use.

    So a class whose methods need TensorFlow can be imported without TensorFlow. A module
    that is imported already is not replaced.
    """
    stand_ins = {name: _Deferred(name) for name in names if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for stand_in in stand_ins.values():
            stand_in.retire()


class _Deferred(types.ModuleType):
    """Passes on to the real module."""

    def retire(self) -> None:
        """Makes imports find the real module from now on."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]

    def __getattr__(self, name: str) -> Any:
        # Python's own questions must not import the module; only packages have a __path__.
        if name.startswith("__") and name not in ("__path__", "__version__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.retire()
        return getattr(importlib.import_module(self.__name__), name)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return importlib.import_module, (self.__name__,)
