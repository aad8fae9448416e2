"""Which installed code is a user's own, and which one TFX brings.

A change in a user's installed package must execute nodes again. The packages that TFX
requires are not read for that: their versions count instead.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import pathlib
import re
import sys
import sysconfig

LIBRARY = "tfx_pipeline"

_BROUGHT_BY_TFX = frozenset(
    {
        "absl", "apache_beam", "attr", "click", "google", "grpc", "h5py", "ml_metadata",
        "numpy", "pandas", "pyarrow", "pydantic", "scipy", "tensorflow",
        "tensorflow_data_validation", "tensorflow_metadata", "tensorflow_model_analysis",
        "tensorflow_transform", "tf_keras", "tfx", "tfx_bsl", "typing_extensions",
    }
)  # fmt: skip
"""What most code imports: known without a look at the metadata of 200 distributions."""

_VERSIONED = (
    "apache-beam",
    "tensorflow",
    "tensorflow-model-analysis",
    "tensorflow-transform",
    "tf-keras",
    "tfx",
    "tfx-bsl",
)
_FOLDERS = {"site-packages", "dist-packages"}


def versions() -> dict[str, str]:
    """The versions of this library and of those whose change can change a result."""
    found = {LIBRARY: sys.modules[LIBRARY].__version__}
    for name in _VERSIONED:
        version = _version(name)
        if version is not None:
            found[name] = version
    return found


@functools.cache
def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def is_installed(path: pathlib.Path) -> bool:
    """Whether the file is in a folder of installed packages or of the standard library."""
    return bool(_FOLDERS.intersection(path.parts)) or any(
        path.is_relative_to(folder) for folder in _standard_library()
    )


@functools.cache
def _standard_library() -> tuple[pathlib.Path, ...]:
    return tuple(pathlib.Path(sysconfig.get_path(n)).resolve() for n in ("stdlib", "platstdlib"))


def is_known(package: str) -> bool:
    """Whether a name alone tells that `is_brought` is true."""
    return package in _BROUGHT_BY_TFX or package in sys.stdlib_module_names


@functools.cache
def is_brought(package: str) -> bool:
    """Whether a top-level package is in the standard library, or TFX requires it."""
    if is_known(package):
        return True
    owners = distributions(package)
    return bool(owners) and all(_normalized(owner) in _required() for owner in owners)


def distributions(package: str) -> list[str]:
    """The names of the distributions that a top-level package is from."""
    return _owners().get(package, [])


@functools.cache
def distribution_digest(package: str) -> dict[str, str]:
    """For each distribution that a top-level package is from: a digest of its files.

    The hashes that the installer recorded are used, so no file is read.
    """
    digests = {}
    for name in distributions(package):
        distribution = importlib.metadata.distribution(name)
        lines = (distribution.read_text("RECORD") or "").splitlines()
        code = sorted(line for line in lines if ",sha256=" in line and ".dist-info/" not in line)
        text = "\n".join([distribution.version, *code])
        digests[name] = hashlib.sha256(text.encode()).hexdigest()[:12]
    return digests


@functools.cache
def _owners() -> dict[str, list[str]]:
    """The distributions that each top-level package is from.

    importlib.metadata.packages_distributions of Python 3.10 reads top_level.txt only,
    which few build tools write.
    """
    owners: dict[str, set[str]] = {}
    for distribution in importlib.metadata.distributions():
        listed = (distribution.read_text("top_level.txt") or "").split()
        if not listed:
            lines = (distribution.read_text("RECORD") or "").splitlines()
            files = (line.partition(",")[0] for line in lines)
            listed = [re.split(r"/|\.py$", file)[0] for file in files if file.endswith(".py")]
        for package in set(listed):
            owners.setdefault(package, set()).add(distribution.metadata["Name"])
    return {package: sorted(names) for package, names in owners.items()}


@functools.cache
def _required() -> frozenset[str]:
    """The distributions that TFX and this library require, directly or indirectly."""
    seen: set[str] = set()
    waiting = ["tfx", "tfx-pipeline"]
    while waiting:
        name = _normalized(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        try:
            requirements = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        needed = (text for text in requirements if "extra ==" not in text)
        waiting += [re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in needed]
    return frozenset(seen)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
