"""What a node's result depends on and TFX's cache key leaves out.

TFX hashes a `module_file`, but not the code behind a dotted path nor the
content of a file that is a parameter. The node command puts these digests into
the node's parameters: a change makes it run again, and comparing them with the
last run's says which file changed.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import pathlib
import sysconfig

from tfx_pipeline.storage.layout import is_remote
from tfx_pipeline.user_code import finder

_LIBRARY = "tfx_pipeline"
_LENGTH = 12


def file_digest(path: str | pathlib.Path) -> str:
    """The first 12 hex digits of the file's SHA-256; `absent` when there is none."""
    if is_remote(str(path)):
        return _remote_digest(str(path))
    path = pathlib.Path(path)
    if not path.is_file():
        return "absent"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_LENGTH]


def _remote_digest(uri: str) -> str:
    from tfx.dsl.io import fileio

    if not fileio.exists(uri):
        return "absent"
    with fileio.open(uri, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:_LENGTH]


def code_digests(*dotted_paths: str) -> dict[str, str]:
    """Digest by module of the code behind `package.module.name`, imports included.

    Follows the imports of first-party modules only: those of this library, and
    what lies beside the named modules outside of site-packages. Nothing is
    imported or run.
    """
    seen: dict[str, str] = {}
    waiting = [_module_of(path) for path in dotted_paths]
    while waiting:
        module = waiting.pop()
        if module in seen or module is None:
            continue
        source = _first_party_source(module)
        if source is None:
            continue
        seen[module] = file_digest(source)
        waiting.extend(_imports(source, module))
    return dict(sorted(seen.items()))


def _module_of(dotted_path: str) -> str | None:
    parts = dotted_path.split(".")
    for end in range(len(parts), 0, -1):
        name = ".".join(parts[:end])
        if _find(name) is not None:
            return name
    return None


@functools.cache
def _find(module: str) -> str | None:
    """The module's file."""
    spec, _ = finder.find_spec(module)
    return spec.origin if spec else None


def _first_party_source(module: str) -> pathlib.Path | None:
    origin = _find(module)
    if origin is None or not origin.endswith(".py"):
        return None
    path = pathlib.Path(origin).resolve()
    if module.split(".")[0] == _LIBRARY:
        return path
    return None if any(path.is_relative_to(folder) for folder in _installed()) else path


@functools.cache
def _installed() -> tuple[pathlib.Path, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple(pathlib.Path(sysconfig.get_path(name)).resolve() for name in names)


def _imports(source: pathlib.Path, module: str) -> list[str]:
    try:
        tree = ast.parse(source.read_text())
    except (SyntaxError, UnicodeDecodeError):
        return []
    package = module if source.name == "__init__.py" else module.rpartition(".")[0]
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += _imported_from(node, package)
    return [name for name in found if name and _find(name) is not None]


def _imported_from(node: ast.ImportFrom, package: str) -> list[str]:
    base = node.module or ""
    if node.level:
        parents = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*parents, base]) if base else ".".join(parents)
    return [base, *(f"{base}.{alias.name}" for alias in node.names)]
