"""Reads YAML, keeps the line of every key, and refuses duplicate keys."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from tfx_pipeline.errors import ConfigError, Problem, did_you_mean

_MAX_VALUES = 100_000
_MAX_DEPTH = 100
_TOO_DEEP = f"is nested too deeply: more than {_MAX_DEPTH} lists and mappings in each other"

Location = tuple[str | int, ...]
"""Keys and list indexes from the top of a document."""


@dataclasses.dataclass(frozen=True)
class LocatedProblem(Problem):
    """A problem with its line in the file; None when it is not in the file."""

    line: int | None = None

    def __str__(self) -> str:
        where = f"{self.where} (line {self.line})" if self.line else self.where
        return str(Problem(where, self.message, self.remedy))


@dataclasses.dataclass(frozen=True)
class Document:
    """A YAML mapping and the lines of its keys.

    Attributes:
      values: plain data.
      lines: the line, from 1, of each key and list item.
      problems: keys that are given twice.
      overridden: locations whose value is from `--set`.
    """

    values: dict[Any, Any]
    lines: dict[Location, int]
    problems: tuple[LocatedProblem, ...]
    overridden: tuple[Location, ...] = ()

    def line(self, location: Location) -> int | None:
        """The line of `location` or of the nearest key above it; None if it was overridden."""
        if any(location[: len(place)] == place for place in self.overridden):
            return None
        for end in range(len(location), 0, -1):
            if location[:end] in self.lines:
                return self.lines[location[:end]]
        return None


def read(path: pathlib.Path) -> Document:
    """Reads the mapping in a YAML file.

    Raises:
      ConfigError: no such file, not readable, not YAML, or not a mapping.
    """
    return parse(_read_text(path), str(path))


def parse(text: str, source: str) -> Document:
    """Parses a YAML document that is a mapping.

    Raises:
      ConfigError: not YAML, too large with its aliases written out, or not a mapping.
    """
    try:
        node, values = _load(text)
    except YAMLError as error:
        raise ConfigError(_syntax_problem(error), source) from error
    except ValueError as error:
        raise ConfigError(str(error), source) from error
    if node is None or values is None:
        raise ConfigError("is empty; see the project's pipeline.yaml for an example", source)
    if not isinstance(values, dict):
        names: dict[type, str] = {list: "list", str: "text"}
        kind = names.get(type(values), type(values).__name__)
        raise ConfigError(f"must be a mapping of keys, found a {kind}", source)
    lines: dict[Location, int] = {}
    duplicates: dict[Location, LocatedProblem] = {}
    for location, line in _keys(node, (), ()):
        is_reported = any(location[:end] in duplicates for end in range(len(location)))
        if location in lines and not is_reported:
            duplicates[location] = LocatedProblem(
                ".".join(map(str, location)),
                f"is given twice, on lines {lines[location]} and {line}",
                "Keep one of them",
                line,
            )
        lines.setdefault(location, line)
    return Document(values, lines, tuple(duplicates.values()))


def parse_value(text: str) -> Any:
    """Parses one value, as `--set` takes it.

    Raises:
      ValueError: not YAML.
    """
    try:
        return _load(text)[1]
    except YAMLError as error:
        raise ValueError(_syntax_problem(error).message) from error


def _load(text: str) -> tuple[Node | None, Any]:
    """The document's nodes and its values.

    Raises:
      YAMLError: not YAML.
      ValueError: with its aliases written out, it would be too large, or it is nested too deeply.
    """
    if _is_too_deep(text):
        raise ValueError(_TOO_DEEP)
    try:
        node = _yaml().compose(text)
        if node is not None and _size(node, {}) > _MAX_VALUES:
            raise ValueError(
                f"has aliases that stand for more than {_MAX_VALUES:,} values; "
                "remove aliases of what contains aliases"
            )
        return node, _yaml().load(text)
    except RecursionError as error:  # by aliases
        raise ValueError(_TOO_DEEP) from error


def _is_too_deep(text: str) -> bool:
    """Whether too many lists and mappings are in each other, aliases not counted.

    Python's limit of recursion cannot tell: libraries raise it.
    """
    depth = 0
    for event in _yaml().parse(text):
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                return True
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
    return False


def _size(node: Node, known: dict[int, int]) -> int:
    """The number of values below `node` with every alias written out."""
    if id(node) not in known:
        known[id(node)] = 1  # for a node that contains itself
        children: list[Node] = []
        if isinstance(node, MappingNode):
            children = [value for _, value in node.value]
        elif isinstance(node, SequenceNode):
            children = node.value
        known[id(node)] = 1 + sum(_size(child, known) for child in children)
    return known[id(node)]


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.allow_duplicate_keys = True  # _keys finds all of them, with both lines
    return yaml


def _read_text(path: pathlib.Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(_no_such_file(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 text (byte {error.start})", str(path)) from error
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", str(path)) from error


def _no_such_file(path: pathlib.Path) -> Problem:
    folder = path.parent
    if not folder.is_dir():
        return Problem(str(path), "there is no such file", f"The folder {folder} does not exist.")
    names = sorted(p.name for p in folder.iterdir() if p.suffix in (".yaml", ".yml"))
    remedy = did_you_mean(path.name, names) or "Name the configuration with --config FILE."
    return Problem(str(path), "there is no such file", remedy)


def _syntax_problem(error: YAMLError) -> LocatedProblem:
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return LocatedProblem("", f"is not YAML: {' '.join(str(error).split())}")
    mark = error.problem_mark
    context = f"{error.context}: " if error.context else ""
    place = f"line {mark.line + 1}, column {mark.column + 1}"
    return LocatedProblem("", f"is not YAML at {place}: {context}{error.problem}")


def _keys(
    node: Node, above: Location, open_nodes: tuple[int, ...]
) -> Iterator[tuple[Location, int]]:
    """Every key below `node` with its line; a node that contains itself is not entered twice."""
    if id(node) in open_nodes:
        return
    children: list[tuple[Any, Node, Node]] = []
    if isinstance(node, MappingNode):
        children = [(key.value, key, value) for key, value in node.value]
    elif isinstance(node, SequenceNode):
        children = [(index, item, item) for index, item in enumerate(node.value)]
    for part, marked, child in children:
        location = (*above, part if isinstance(part, int) else str(part))
        yield location, marked.start_mark.line + 1
        yield from _keys(child, location, (*open_nodes, id(node)))
