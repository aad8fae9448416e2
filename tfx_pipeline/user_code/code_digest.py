"""Digests of code and files that TFX's cache key leaves out.

TFX hashes a `module_file`, but neither the code behind a dotted path nor the content
of a file that is a parameter. The node command adds these digests to the node's
parameters. So a change executes the node again, and a comparison with the last run's
digests shows which file changed.
"""

from __future__ import annotations

import ast
import hashlib
import pathlib
from collections.abc import Iterable, Iterator

from tfx_pipeline.storage.layout import is_remote
from tfx_pipeline.user_code import finder, installed

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

    Modules of this library and of the project count, and so do those of the distributions
    that contain the named modules. What TFX requires does not count. Any other installed
    distribution counts as a whole. Nothing is imported or executed.

    Returns:
      The digests by module; `distribution NAME` is the key of a distribution.
    """
    seen: dict[str, str] = {}
    modules = [module for path in dotted_paths if (module := _module_of(path)) is not None]
    named = {module.partition(".")[0] for module in modules}
    waiting = list(_with_packages(modules))
    while waiting:
        module = waiting.pop()
        source = None if module in seen else _source(module)
        if source is None:
            continue
        package = module.partition(".")[0]
        if package in named or not _is_of_others(source, package, named):
            seen[module] = file_digest(source)
            waiting.extend(_imports(source, module))
        else:
            digests = installed.distribution_digest(package)
            seen |= {f"distribution {name}": digest for name, digest in digests.items()}
    return dict(sorted(seen.items()))


def is_own(dotted_path: str) -> bool:
    """Whether the path names code that neither Python nor TFX brings."""
    package = dotted_path.partition(".")[0]
    if package == installed.LIBRARY:
        return True
    if installed.is_known(package):
        return False
    spec, _ = finder.find_spec(package)
    places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
    # The metadata of all distributions is read only if it is needed.
    if any(place and not installed.is_installed(pathlib.Path(place)) for place in places):
        return True
    return not installed.is_brought(package)


def exists(dotted_path: str) -> bool:
    """Whether the path begins with a package that neither Python nor TFX brings."""
    spec, _ = finder.find_spec(dotted_path.partition(".")[0])
    return spec is not None and is_own(dotted_path)


def _module_of(dotted_path: str) -> str | None:
    """The longest beginning of the path that is a module."""
    parts = dotted_path.split(".")
    for end in range(len(parts), 0, -1):
        name = ".".join(parts[:end])
        if finder.module_file(name) is not None:
            return name
    return None


def _source(module: str) -> pathlib.Path | None:
    """The module's file; None if it has none or if TFX brings it."""
    origin = finder.module_file(module)
    if origin is None or not is_own(module):
        return None
    path = pathlib.Path(origin).resolve()
    return path if path.is_file() else None


def _is_of_others(source: pathlib.Path, package: str, named: set[str]) -> bool:
    """Whether a module is from a distribution that contains none of the named packages."""
    if package == installed.LIBRARY or not installed.is_installed(source):
        return False
    owners = installed.distributions(package)
    of_named = {owner for name in named for owner in installed.distributions(name)}
    return bool(owners) and of_named.isdisjoint(owners)


def _imports(source: pathlib.Path, module: str) -> list[str]:
    """The modules that a module imports by statements or by `import_module`."""
    try:
        tree = ast.parse(source.read_bytes())
    except (SyntaxError, ValueError):  # also of a compiled module
        return []
    package = module if source.name == "__init__.py" else module.rpartition(".")[0]
    found: list[str] = []
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += _imported_from(node, package)
        elif isinstance(node, ast.Call) and module.partition(".")[0] != installed.LIBRARY:
            found += _imported_by_call(node, package)
    names = dict.fromkeys(_with_packages(found))
    if module.partition(".")[0] == installed.LIBRARY:  # the rest is required by it, so brought
        names = {name: None for name in names if name.partition(".")[0] == installed.LIBRARY}
    return [name for name in names if is_own(name) and finder.module_file(name) is not None]


def _with_packages(modules: Iterable[str]) -> Iterator[str]:
    """Modules and the packages that they are in: Python executes these as well."""
    for module in modules:
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            yield ".".join(parts[:end])


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


def _imported_by_call(node: ast.Call, package: str) -> list[str]:
    """What `import_module(...)` imports; if only its execution tells, the whole package."""
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    if name not in ("import_module", "__import__") or not node.args:
        return []
    argument = node.args[0]
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        module = argument.value
        level = len(module) - len(module.lstrip("."))
        return _imported_from(ast.ImportFrom(module.lstrip("."), [], level), package)
    return _modules_below(package.partition(".")[0])


def _modules_below(package: str) -> list[str]:
    """Every module of a package."""
    spec, _ = finder.find_spec(package)
    folders = (spec.submodule_search_locations or []) if spec else []
    found = []
    for folder in map(pathlib.Path, folders):
        for file in sorted(folder.rglob("*.py")):
            parts = [package, *file.relative_to(folder).with_suffix("").parts]
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found
