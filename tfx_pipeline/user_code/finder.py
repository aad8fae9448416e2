"""Finding what a dotted path names, by reading its source and importing nothing.

`modules.trainer.run_fn` imports TensorFlow when it is imported, which takes far
longer than a check may.
"""

from __future__ import annotations

import ast
import importlib.util
import pathlib
import sys
from collections.abc import Iterator, Sequence
from importlib import machinery

from tfx_pipeline.errors import did_you_mean
from tfx_pipeline.storage.layout import package_parent


def problem(path: str, folder: str) -> tuple[str, str] | None:
    """Says why `path` cannot be resolved, with a remedy; None when it can.

    Args:
      path: `package.module.name`.
      folder: the configuration's folder, where modules are looked for first.
    """
    module, _, name = path.rpartition(".")
    spec, missing = find_spec(module, search_path(folder))
    if spec is None:
        where = f"below {folder} or" if folder else ""
        return f"there is no module {missing!r}", f"It was looked for {where} on Python's path"
    if not spec.origin or not spec.origin.endswith(".py"):
        return None  # built in or compiled: found when it is imported
    return _problem_in_file(pathlib.Path(spec.origin), module, name)


def search_path(folder: str) -> list[str]:
    """Where modules are looked for: the configuration's folder, then as Python does."""
    return [*([folder] if folder else []), *sys.path, str(package_parent())]


def find_spec(
    module: str, search: Sequence[str] | None = None
) -> tuple[machinery.ModuleSpec | None, str]:
    """Finds a module and runs no code, not even that of the packages it is in.

    Args:
      module: its name.
      search: the folders to look in; absent, where Python looks.

    Returns:
      The module's spec, or None; and the first part of its name that is not there.
    """
    first, *rest = module.split(".")
    spec = _find_top_level(first) if search is None else _find_below(first, search)
    name = first
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            break
        name = f"{name}.{part}"
        # importlib.util.find_spec would import the parent package.
        spec = _find_below(name, spec.submodule_search_locations)
    if spec is not None and name != module:
        return None, f"{name}.{module[len(name) + 1 :].partition('.')[0]}"
    return spec, name


def _find_top_level(name: str) -> machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _find_below(name: str, search: Sequence[str]) -> machinery.ModuleSpec | None:
    return machinery.PathFinder.find_spec(name, list(search))


def _problem_in_file(file: pathlib.Path, module: str, name: str) -> tuple[str, str] | None:
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except SyntaxError as error:
        return f"{file}, line {error.lineno}: {error.msg}", "Mend the module"
    except (OSError, ValueError) as error:
        return f"{file}: {error}", "Mend the module"
    names = set(_bound(tree.body))
    if name in names or "*" in names or "__getattr__" in names:
        return None
    public = sorted(n for n in names if not n.startswith("_"))
    return f"{file} has no {name!r}", did_you_mean(name, public)


def _bound(body: Sequence[ast.stmt]) -> Iterator[str]:
    """The names that statements bind at their level; `*` for what cannot be known."""
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement.name
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            for alias in statement.names:
                yield alias.asname or alias.name.partition(".")[0]
        else:
            yield from _assigned(statement)
            for field in ("body", "orelse", "finalbody"):
                yield from _bound(getattr(statement, field, []))
            for handler in getattr(statement, "handlers", []):
                yield from _bound(handler.body)


def _assigned(statement: ast.stmt) -> Iterator[str]:
    targets = getattr(statement, "targets", []) or [getattr(statement, "target", None)]
    for target in targets:
        for node in ast.walk(target) if isinstance(target, ast.expr) else ():
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
