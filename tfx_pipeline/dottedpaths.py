"""Finding what a dotted path names, by reading its source and importing nothing.

`modules.trainer.run_fn` imports TensorFlow when it is imported, which takes far
longer than a check may.
"""

from __future__ import annotations

import ast
import pathlib
import sys
from collections.abc import Iterator, Sequence
from importlib import machinery

from tfx_pipeline.errors import did_you_mean


def problem(path: str, folder: str) -> tuple[str, str] | None:
    """Says why `path` cannot be resolved, with a remedy; None when it can.

    Args:
      path: `package.module.name`.
      folder: the configuration's folder, where modules are looked for first.
    """
    module, _, name = path.rpartition(".")
    spec, missing = _find(module, search_path(folder))
    if spec is None:
        where = f"below {folder} or" if folder else ""
        return f"there is no module {missing!r}", f"It was looked for {where} on Python's path"
    if not spec.origin or not spec.origin.endswith(".py"):
        return None  # built in or compiled: found when it is imported
    return _problem_in_file(pathlib.Path(spec.origin), module, name)


def search_path(folder: str) -> list[str]:
    """Where modules are looked for: the configuration's folder, then as Python does."""
    project = str(pathlib.Path(__file__).resolve().parent.parent)
    return [*([folder] if folder else []), *sys.path, project]


def _find(module: str, search: Sequence[str]) -> tuple[machinery.ModuleSpec | None, str]:
    """The module's spec, or None and the first part of its name that is not there."""
    name, spec = "", None
    places: Sequence[str] | None = search
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        if places is None:
            return None, name
        spec = machinery.PathFinder.find_spec(name, list(places))
        if spec is None:
            return None, name
        places = spec.submodule_search_locations
    return spec, name


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
