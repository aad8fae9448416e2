"""Quicker imports: what few pipelines use is imported when it is used.

TensorFlow, Beam, TFX and TensorFlow Model Analysis import, for parts that most pipelines
never touch, clients of Google's cloud and of Kubernetes, IPython, NLTK, statistics.
Inside `importing` these are stand-ins: empty modules that pass every question on to the
real module, which is imported then. Afterwards nobody finds the stand-ins any more, and
who imports such a module gets the real one. (`importlib.util.LazyLoader` is alike, but
importing a submodule loads its package.)
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tfx_pipeline.compat import model_analysis_names
from tfx_pipeline.compat.table import IMPORTS

MODULES = (
    "IPython",  # by TensorFlow Data Validation, to show tables
    "google.cloud.bigquery",  # by Beam
    "google.cloud.pubsub",
    "google.cloud.storage",
    "googleapiclient.discovery",  # by TensorFlow, for TPUs
    "hdfs",  # by Beam
    "nltk",  # by TensorFlow Model Analysis, for metrics of texts
    "nltk.stem",
    "scipy.stats",
    "tensorflow_model_analysis.view",  # for notebooks
    "tfx.components",  # all: tuner, bulk inferrer, infra validator with Kubernetes
)
FOR_EXECUTORS = (
    "tensorflow",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
    "tensorflow_transform",
)
"""What TFX imports everywhere, and a node that is not executed does not need."""

OF_TFX = (
    "tfx.components.infra_validator.model_server_runners.kubernetes_runner",
    "tfx.extensions.google_cloud_ai_platform.runner",
)
"""What `tfx.v1` imports, with clients of Kubernetes and of Google's cloud (see `tfx_import`)."""

_TRIED = (
    "tfx_pipeline.",
    "tfx.components.example_gen.driver.",
    "tfx.components.example_validator.",
    "tfx.components.schema_gen.",
)

_lock = threading.RLock()
_of_launcher: list[_Finder] = []
"""The finders whose stand-ins `load_real_modules` replaces."""


@contextlib.contextmanager
def importing(*also: str) -> Iterator[None]:
    """Imports inside take half the time: by stand-ins, and without garbage collection.

    Args:
      also: modules that have stand-ins beside `MODULES`.

    The many objects that imports make all stay; a collection looks at each for nothing,
    now and later, and touches pages that a forked child would share with its parent.
    """
    with _stand_ins(also), _without_collection():
        yield


@contextlib.contextmanager
def importing_launcher() -> Iterator[None]:
    """Like `importing`, for TFX's launcher, which can then find a node in the cache.

    Before code that is not known is imported and run, call `load_real_modules`.
    """
    with _stand_ins(FOR_EXECUTORS) as finder, _without_collection():
        yield
    _of_launcher.append(finder)


def importing_class(
    class_path: str, known: Callable[[], contextlib.AbstractContextManager[None]]
) -> contextlib.AbstractContextManager[None]:
    """For a driver or an executor: what `known` returns, or all real modules for one of others.

    Code that is not known may do with modules what no stand-in can. Only what `tfx.v1` imports
    may have stand-ins then (see `tfx_import`).
    """
    if class_path.startswith(_TRIED):
        return known()
    load_real_modules()
    return contextlib.nullcontext()


def load_real_modules() -> None:
    """Imports what had stand-ins in `importing_launcher`, and puts it in their places.

    Afterwards all is as if there had been none: no module has one of those stand-ins.
    """
    stand_ins: list[types.ModuleType] = []
    real: dict[int, types.ModuleType] = {}
    with _without_collection():
        while _of_launcher:
            finder = _of_launcher.pop()
            stand_ins += finder.made
            for module in finder.made:
                with contextlib.suppress(ImportError):  # whoever uses it is told so then
                    real[id(module)] = finder.real(module.__name__)
            finder.made = []
    for module in [*sys.modules.values()] if real else []:
        for name, value in [*vars(module).items()]:
            if id(value) in real:
                vars(module)[name] = real[id(value)]


@contextlib.contextmanager
def _stand_ins(also: Sequence[str]) -> Iterator[_Finder]:
    finder = _Finder((*MODULES, *also) if IMPORTS.fits() else ())
    sys.meta_path[:] = [finder, *_others()]
    try:
        yield finder
    finally:
        finder.retire(*MODULES, *also)


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()


class _Finder(importlib.abc.MetaPathFinder):
    """Finds stand-ins, and the real modules once the stand-ins have retired."""

    def __init__(self, names: Sequence[str]):
        # Also those that an earlier finder had stand-ins for: see `_WithSubmodules`.
        self._known, self._names = frozenset((*MODULES, *FOR_EXECUTORS, *OF_TFX)), set(names)
        self.made: list[types.ModuleType] = []
        """The stand-ins."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self._known:
            return None
        for finder in _others():
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                stands_in = name in self._names
                spec.loader = _Empty(self) if stands_in else _WithSubmodules(spec.loader)
                return spec
        return None

    def stands_in(self, name: str) -> bool:
        """Whether importing the module gives a stand-in."""
        return name in self._names

    def retire(self, *names: str) -> None:
        """Makes imports find the real modules from now on."""
        for name in names:
            self._names.discard(name)
            if isinstance(sys.modules.get(name), _StandIn):
                del sys.modules[name]

    def real(self, name: str) -> types.ModuleType:
        """Imports the real module, and first the packages that it is in."""
        parts = name.split(".")
        self.retire(*(".".join(parts[:count]) for count in range(1, len(parts) + 1)))
        return importlib.import_module(name)


def _others() -> list[Any]:
    return [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]


class _Empty(importlib.abc.Loader):
    def __init__(self, finder: _Finder):
        self._finder = finder

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = _StandIn(spec.name)
        vars(module)["_finder"] = self._finder
        self._finder.made.append(module)
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


class _WithSubmodules(importlib.abc.Loader):
    """The real loader; also names what stand-ins kept from being set on the package."""

    def __init__(self, real: Any):
        self._real = real

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        module.__loader__ = self._real
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        self._real.exec_module(module)
        for name, submodule in list(sys.modules.items()):
            parent, _, child = name.rpartition(".")
            if parent == module.__name__:
                vars(module).setdefault(child, submodule)
        model_analysis_names.complete(module)


class _StandIn(types.ModuleType):
    """Passes on to the real module; a package hands out submodules without being run."""

    _finder: _Finder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return importlib.import_module, (self.__name__,)

    def __getattr__(self, name: str) -> Any:
        # Whoever walks through sys.modules asks for attributes like __wrapped__.
        if name.startswith("__") and name not in ("__all__", "__version__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        with _lock:
            if self._finder.stands_in(self.__name__) and _is_submodule(self, name):
                return importlib.import_module(f"{self.__name__}.{name}")
            return getattr(self._finder.real(self.__name__), name)


def _is_submodule(package: types.ModuleType, name: str) -> bool:
    is_package = "__path__" in vars(package)
    return is_package and importlib.util.find_spec(f"{package.__name__}.{name}") is not None
