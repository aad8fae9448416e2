"""Digests of code and files that TFX's cache key leaves out.

TFX hashes a `module_file`, but neither the code behind a dotted path nor the content
of a file that is a parameter. The node command adds these digests to the node's
parameters. So a change executes the node again, and a comparison with the last run's
digests shows which file changed.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import pathlib
import sysconfig
from collections.abc import Iterator

from tfx_pipeline.storage.layout import is_remote
from tfx_pipeline.user_code import finder

_LIBRARY = "tfx_pipeline"
_LENGTH = 12


def file_digest(path: str | pathlib.Path) -> str:
    """The first 12 hex digits of the file's SHA-256; `absent` if there is no such file."""
    if is_remote(str(path)):
        from tfx.dsl.io import fileio

        if not fileio.exists(str(path)):
            return "absent"
        with fileio.open(str(path), "rb") as file:
            data = file.read()
    else:
        if not pathlib.Path(path).is_file():
            return "absent"
        data = pathlib.Path(path).read_bytes()
    return hashlib.sha256(data).hexdigest()[:_LENGTH]


def code_digests(*dotted_paths: str) -> dict[str, str]:
    """The digest of each module that `package.module.name` needs, directly or by imports.

    Follows first-party imports only: modules of this library, and modules outside of
    site-packages. Nothing is imported or executed.
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
    """The longest beginning of the path that is a module."""
    parts = dotted_path.split(".")
    for end in range(len(parts), 0, -1):
        name = ".".join(parts[:end])
        if module_file(name) is not None:
            return name
    return None


@functools.cache
def module_file(module: str) -> str | None:
    """The path of a module; None where there is no such module."""
    spec, _ = finder.find_spec(module)
    return spec.origin if spec else None


def _first_party_source(module: str) -> pathlib.Path | None:
    origin = module_file(module)
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
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += _imported_from(node, package)
    return [name for name in found if name and module_file(name) is not None]


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes below `tree` but those that only a type checker reads."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _imported_from(node: ast.ImportFrom, package: str) -> list[str]:
    base = node.module or ""
    if node.level:
        parents = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*parents, base]) if base else ".".join(parents)
    return [base, *(f"{base}.{alias.name}" for alias in node.names)]
