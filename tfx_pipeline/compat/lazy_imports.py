"""Quicker imports: what few pipelines use is imported when it is used.

TensorFlow, Beam, TFX and TensorFlow Model Analysis import, for parts that most pipelines
never touch, clients of Google's cloud and of Kubernetes, IPython, NLTK, statistics.
Inside `importing` these are stand-ins: empty modules that pass every question on to the
real module, which is imported then. Afterwards nobody finds the stand-ins any more, and
who imports such a module gets the real one. As soon as the real module is imported, by
whomever, it takes its stand-in's place in all modules. (`importlib.util.LazyLoader` is
alike, but importing a submodule loads its package.)
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
from tfx_pipeline.compat.tensorflow_environment import prepare_environment

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

OF_COMPONENTS = (
    "tfx.components.infra_validator.model_server_runners.kubernetes_runner",
    "tfx.extensions.google_cloud_ai_platform.runner",
)
"""What TFX's components import, with clients of Kubernetes and of Google's cloud."""

OF_TFX = (*FOR_EXECUTORS, "tfx.v1.components", "tfx.v1.extensions", "tfx.v1.testing")
"""What `tfx.v1` imports, and a pipeline of own components does not need (see `tfx_import`)."""

_TRIED = (
    "tfx_pipeline.",
    "tfx.components.example_gen.driver.",
    "tfx.components.example_validator.",
    "tfx.components.schema_gen.",
)


@contextlib.contextmanager
def importing(*also: str) -> Iterator[None]:
    """Imports inside take half the time: by stand-ins, and without garbage collection.

    Args:
      also: modules that have stand-ins beside `MODULES`.

    The many objects that imports make all stay; a collection looks at each for nothing,
    now and later, and touches pages that a forked child would share with its parent.
    """
    with _stand_ins((*MODULES, *also)), _without_collection():
        yield


def importing_launcher() -> contextlib.AbstractContextManager[None]:
    """Like `importing`, for TFX's launcher, which can then find a node in the cache."""
    return importing(*FOR_EXECUTORS)


@contextlib.contextmanager
def importing_tfx() -> Iterator[None]:
    """Like `importing`, for `tfx.v1` without its components.

    What it left out is imported later with the stand-ins that components have.
    """
    with importing(*OF_TFX):
        yield
    _finder.later.update(OF_TFX)
    _finder.packages_first = True


def importing_components() -> contextlib.AbstractContextManager[None]:
    """Like `importing`, for components and what they import; sets TensorFlow's variables first."""
    prepare_environment()
    return importing(*OF_COMPONENTS)


def importing_class(
    class_path: str, known: Callable[[], contextlib.AbstractContextManager[None]]
) -> contextlib.AbstractContextManager[None]:
    """For a driver or an executor: what `known` returns, or nothing for one of others.

    What code that is not known imports is real, and in the usual order.
    """
    if class_path.startswith(_TRIED):
        return known()
    _finder.packages_first = True
    return contextlib.nullcontext()


def executor_needs_all(class_path: str) -> bool:
    """Whether an executor is one of TFX or of this project, which import most of TFX.

    A user's own may need none of it.
    """
    return class_path.startswith(("tfx.", "tfx_pipeline."))


@contextlib.contextmanager
def _stand_ins(names: Sequence[str]) -> Iterator[None]:
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    added = _finder.add(names if IMPORTS.fits() else ())
    try:
        yield
    finally:
        _finder.retire(*added)


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

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._known = {*MODULES, *FOR_EXECUTORS, *OF_COMPONENTS, *OF_TFX}
        self._lock = threading.Lock()
        self.made: dict[str, list[_StandIn]] = {}
        """The stand-ins by name, until the real module takes their places."""
        self.later: set[str] = set()
        """What would have been imported inside a context that has ended; see `importing_tfx`."""
        self.packages_first = False
        """Whether a module's package is imported before it, even if that had a stand-in."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if self.packages_first and self._import_packages_of(name) and name in sys.modules:
            return _spec_of(sys.modules[name])
        if name not in self._known:
            return None
        for finder in [finder for finder in sys.meta_path if finder is not self]:
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Empty() if self.stands_in(name) else _WithSubmodules(spec.loader)
                return spec
        return None

    def _import_packages_of(self, name: str) -> bool:
        """Imports what Python takes for imported, because a part of it is."""
        packages = [
            package
            for package in [*self.made]
            if name.startswith(package + ".") and package not in sys.modules
        ]
        for package in packages:
            importlib.import_module(package)
        return bool(packages)

    def add(self, names: Sequence[str]) -> list[str]:
        """Makes imports find stand-ins of the modules, and returns those that had none."""
        added = [name for name in names if name not in self._names]
        self._names.update(added)
        self._known.update(added)
        return added

    def stands_in(self, name: str) -> bool:
        """Whether importing the module gives a stand-in."""
        return name in self._names

    def retire(self, *names: str) -> None:
        """Makes imports find the real modules from now on."""
        with self._lock:
            for name in names:
                self._names.discard(name)
                if isinstance(sys.modules.get(name), _StandIn):
                    del sys.modules[name]

    def real(self, name: str) -> types.ModuleType:
        """Imports the real module, and first the packages that it is in."""
        parts = name.split(".")
        self.retire(*(".".join(parts[:count]) for count in range(1, len(parts) + 1)))
        return importlib.import_module(name)

    def take_places(self, module: types.ModuleType) -> None:
        """Puts a real module where its stand-ins are."""
        stand_ins = self.made.pop(module.__name__, [])
        if not stand_ins:
            return
        ids = {id(stand_in) for stand_in in stand_ins}
        holders = [
            found for found in [*sys.modules.values()] if isinstance(found, types.ModuleType)
        ]
        for holder in holders:
            for name, value in [*vars(holder).items()]:
                if id(value) in ids:
                    vars(holder)[name] = module


_finder = _Finder()


class _Empty(importlib.abc.Loader):
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = _StandIn(spec.name)
        _finder.made.setdefault(spec.name, []).append(module)
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def _spec_of(module: types.ModuleType) -> importlib.machinery.ModuleSpec | None:
    """A spec with which Python's importer takes a module that is there."""
    spec = module.__spec__
    return spec and importlib.machinery.ModuleSpec(spec.name, _There(module, spec))


class _There(importlib.abc.Loader):
    def __init__(self, module: types.ModuleType, spec: importlib.machinery.ModuleSpec):
        self._module, self._spec = module, spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return self._module

    def exec_module(self, module: types.ModuleType) -> None:
        module.__spec__ = self._spec


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
        later = module.__name__ in _finder.later
        with importing(*OF_COMPONENTS) if later else contextlib.nullcontext():
            self._real.exec_module(module)
        for name, submodule in list(sys.modules.items()):
            parent, _, child = name.rpartition(".")
            if parent == module.__name__:
                vars(module).setdefault(child, submodule)
        model_analysis_names.complete(module)
        _finder.take_places(module)


class _StandIn(types.ModuleType):
    """Passes on to the real module; a package hands out submodules without being run."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return importlib.import_module, (self.__name__,)

    def __dir__(self) -> list[str]:
        return dir(_finder.real(self.__name__))

    def __getattr__(self, name: str) -> Any:
        # Whoever walks through sys.modules asks for attributes like __wrapped__.
        if name.startswith("__") and name not in ("__all__", "__version__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if _finder.stands_in(self.__name__) and _is_submodule(self, name):
            return importlib.import_module(f"{self.__name__}.{name}")
        return getattr(_finder.real(self.__name__), name)


def _is_submodule(package: types.ModuleType, name: str) -> bool:
    is_package = "__path__" in vars(package)
    return is_package and importlib.util.find_spec(f"{package.__name__}.{name}") is not None
