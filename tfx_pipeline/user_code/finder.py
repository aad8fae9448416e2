"""Resolves a dotted path by reading source files, without importing them.

Importing `modules.trainer` imports TensorFlow, which takes too long for a check.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
import pathlib
import sys
from collections.abc import Iterator, Sequence
from importlib import machinery

from tfx_pipeline.errors import did_you_mean
from tfx_pipeline.storage.layout import package_parent


def problem(path: str, folder: str) -> tuple[str, str] | None:
    """Returns why `path` cannot be resolved, and a remedy; None if it can.

    Args:
      path: `package.module.name`.
      folder: the configuration's folder, which is searched first.
    """
    module, _, name = path.rpartition(".")
    spec, missing = find_spec(module, search_path(folder))
    if spec is None:
        searched = ", ".join([*project_folders(folder), "Python's import path"])
        return f"there is no module {missing!r}", f"Searched: {searched}"
    if spec.origin is None:
        return (
            f"{module!r} is a folder without __init__.py",
            f"Name a module in it: {module}.MODULE.{name}",
        )
    if not spec.origin.endswith(".py"):
        return None  # built in or compiled: its names are known when it is imported
    file = pathlib.Path(spec.origin)
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except SyntaxError as error:
        return f"{file}, line {error.lineno}: {error.msg}", "Fix the module"
    except (OSError, ValueError) as error:
        return f"{file}: {error}", "Fix the module"
    names = set(_bound(tree.body))
    if name in names or "*" in names or "__getattr__" in names:
        return None
    public = sorted(n for n in names if not n.startswith("_"))
    return f"{file} has no {name!r}", did_you_mean(name, public)


def project_folders(folder: str | os.PathLike[str]) -> list[str]:
    """The folders of a project's own packages: its folder, and `src` below it if there is one.

    Args:
      folder: the configuration's folder; empty if there is none.
    """
    if not str(folder):
        return []
    source = pathlib.Path(folder, "src")
    return [str(folder), *([str(source)] if source.is_dir() else [])]


def add_to_import_path(folder: str | os.PathLike[str]) -> None:
    """Makes this process find the project's own packages, before all others."""
    own = project_folders(folder)
    sys.path[:] = [*own, *(path for path in sys.path if path not in own)]
    forget_places()


def prefer_project(package: str, folder: str | os.PathLike[str]) -> None:
    """Like `add_to_import_path`, and forgets a package of that name from another project."""
    add_to_import_path(folder)
    spec = machinery.PathFinder.find_spec(package, project_folders(folder))
    loaded = getattr(sys.modules.get(package), "__spec__", None)
    if spec is None or loaded is None:
        return
    if _folders(spec) != _folders(loaded) or spec.origin != loaded.origin:
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            del sys.modules[name]


def _folders(spec: machinery.ModuleSpec) -> list[str]:
    return list(spec.submodule_search_locations or ())


def search_path(folder: str) -> list[str]:
    """The folders to search for modules: the project's, then Python's."""
    return [*project_folders(folder), *sys.path, str(package_parent())]


def find_spec(
    module: str, search: Sequence[str] | None = None
) -> tuple[machinery.ModuleSpec | None, str]:
    """Finds a module without executing any code, not even its parent packages.

    Args:
      module: its name.
      search: the folders to search; by default, Python's import path.

    Returns:
      The module's spec, or None; and the first part of its name that does not exist.
    """
    first, *rest = module.split(".")
    spec = _find_first(first, search)
    name = first
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            break
        name = f"{name}.{part}"
        spec = _find_below(name, list(spec.submodule_search_locations))
    if spec is not None and name != module:
        return None, f"{name}.{module[len(name) + 1 :].partition('.')[0]}"
    return spec, name


@functools.cache
def module_file(module: str) -> str | None:
    """The path of a module on Python's import path; None where there is no such module."""
    spec, _ = find_spec(module)
    return spec.origin if spec else None


def forget_places() -> None:
    """Lets `module_file` search again: the import path, or what is on it, has changed."""
    module_file.cache_clear()


def _find_first(name: str, search: Sequence[str] | None) -> machinery.ModuleSpec | None:
    """Finds a top-level module in the folders, or else as Python does."""
    if search is None:
        spec = machinery.PathFinder.find_spec(name)  # a loaded one may be of another project
        try:
            return spec or importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
    spec = machinery.PathFinder.find_spec(name, list(search))
    if spec is None:  # packages that are installed as editable have finders of their own
        found = (finder.find_spec(name, None) for finder in sys.meta_path)
        spec = next((spec for spec in found if spec is not None), None)
    return spec


def _find_below(name: str, folders: list[str]) -> machinery.ModuleSpec | None:
    """Finds a module in a package. importlib.util.find_spec would import the package."""
    try:
        return machinery.PathFinder.find_spec(name, folders)
    except KeyError:  # a folder without __init__.py, in a package that is not imported
        spec = machinery.ModuleSpec(name, None, is_package=True)
        last = name.rpartition(".")[2]
        paths = [pathlib.Path(folder, last) for folder in folders]
        spec.submodule_search_locations = [str(path) for path in paths if path.is_dir()]
        return spec


def _bound(body: Sequence[ast.stmt]) -> Iterator[str]:
    """The names that statements bind at their level; `*` for a star import."""
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
