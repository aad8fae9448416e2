"""What a configuration says against what is there: data, schema, folders, modules.

Names, types and places only; it takes well under a second and never imports
TensorFlow. What the rows hold is for ExampleGen and the gate.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Iterator

from tfx_pipeline.config import data_files, schema_file
from tfx_pipeline.config.models import Config, Feature
from tfx_pipeline.errors import ConfigError, Problem, did_you_mean
from tfx_pipeline.storage.layout import is_remote
from tfx_pipeline.user_code import finder

NUMERIC = ("zscore", "minmax", "log", "buckets")


def preflight(config: Config) -> None:
    """Looks at everything that can be known before a run starts.

    With a curated schema it leaves the data's columns to the gate: a column that
    is gone is a fault of the data, not of the configuration.

    Raises:
      ConfigError: something is wrong; it holds all problems.
    """
    problems = check(config, columns=config.schema_source.path is None)
    if problems:
        raise ConfigError(problems)


def check(config: Config, *, columns: bool = True) -> list[Problem]:
    """Returns all that would keep a run of `config` from working.

    Args:
      config: what to check.
      columns: whether to compare the columns of the data as well.
    """
    data_problems, header = _data(config)
    schema_problems, schema = _schema(config)
    if not columns:
        data_problems = [problem for problem in data_problems if problem.where == "data.path"]
    return [
        *data_problems,
        *schema_problems,
        *(_treatments(config, schema) if schema else ()),
        *_slices(config, schema, header),
        *_folders(config),
        *_modules(config),
    ]


def _data(config: Config) -> tuple[list[Problem], list[str] | None]:
    """Problems of the data's files, and the first file's columns where they can be told."""
    path = config.data.path
    if is_remote(path):
        return [], None
    files = data_files.find(path, config.data.format)
    if not files:
        return [_no_data(path, config.data.format)], None
    headers = {
        file: data_files.columns(file, config.data.format, config.data.delimiter)
        for file in files[: data_files.MAX_FILES]
    }
    known = {file: header for file, header in headers.items() if header is not None}
    problems = [p for file, header in known.items() for p in _columns(config, file, header)]
    return _unique(problems), next(iter(known.values()), None)


def _no_data(path: str, file_format: str) -> Problem:
    place = pathlib.Path(path)
    if data_files.has_span(path) or place.is_dir():
        called = " or ".join(f"*{ending}" for ending in data_files.ENDINGS[file_format])
        remedy = "Put the data there, or mend data.format"
        return Problem("data.path", f"{path} has no files {called}", remedy)
    above = place.parent
    names = sorted(p.name for p in above.iterdir()) if above.is_dir() else []
    hint = did_you_mean(place.name, names)
    return Problem("data.path", f"{path} does not exist", hint or "Name a folder or a file")


def _columns(config: Config, file: pathlib.Path, header: list[str]) -> Iterator[Problem]:
    wanted = {f"features.{name}": name for name in config.features}
    wanted["label.name"] = config.label.name
    absent = {key: name for key, name in wanted.items() if name not in header}
    if len(absent) == len(wanted):
        found = ", ".join(map(repr, header[:5]))
        remedy = "The first line must name the columns; is data.delimiter right?"
        message = f"{file} has none of the columns; its first line begins {found}"
        yield Problem("data.delimiter", message, remedy)
        return
    for key, name in absent.items():
        rest = [column for column in header if column not in wanted.values()]
        yield Problem(key, f"the data has no column {name!r} ({file})", did_you_mean(name, rest))
    for index, name in enumerate(config.data.exclude):
        if name not in header:
            key = f"data.exclude.{index}"
            yield Problem(key, f"the data has no column {name!r}", did_you_mean(name, header))


def _unique(problems: Iterable[Problem]) -> list[Problem]:
    """One problem for each key: the same in a hundred files is told once."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.where, problem)
    return list(first.values())


def _schema(config: Config) -> tuple[list[Problem], schema_file.SchemaFile | None]:
    path = config.schema_source.path
    if path is None or is_remote(path):
        return [], None
    try:
        schema = schema_file.read(path)
    except schema_file.SchemaUnreadable as error:
        return [Problem("schema.path", f"{path} {error}")], None
    except FileNotFoundError:
        remedy = "Leave 'schema.path' out to use the inferred schema"
        return [Problem("schema.path", f"{path} does not exist", remedy)], None
    except OSError as error:
        return [Problem("schema.path", f"{path} cannot be read: {error.strerror}")], None
    return _label(config, schema), schema


def _label(config: Config, schema: schema_file.SchemaFile) -> list[Problem]:
    name = config.label.name
    if name not in schema.types:
        rest = [column for column in schema.types if column not in config.features]
        return [Problem("label.name", f"the schema has no {name!r}", did_you_mean(name, rest))]
    if name in schema.served:
        remedy = f"Add not_in_environment: '{schema_file.SERVING}' to it in the schema"
        message = f"the schema expects the label {name!r} in data to predict for"
        return [Problem("label.name", message, remedy)]
    return []


def _treatments(config: Config, schema: schema_file.SchemaFile) -> Iterator[Problem]:
    for name, feature in config.features.items():
        key = f"features.{name}"
        if name not in schema.types:
            hint = did_you_mean(name, [c for c in schema.types if c not in config.features])
            yield Problem(key, f"the schema has no {name!r}", hint)
        else:
            yield from _fits(key, feature, schema.types[name], name in schema.bounded)


def _fits(key: str, feature: Feature, kind: str, bounded: bool) -> Iterator[Problem]:
    """Whether a treatment can take a column of the type that the schema says."""
    transform = feature.transform
    message = f"transform {transform!r} does not fit a column of type {kind}"
    if transform in NUMERIC and kind == schema_file.TEXT:
        yield Problem(key, message, "Text takes vocabulary or hash")
    elif transform in ("vocabulary", "hash") and kind == schema_file.NUMBER:
        yield Problem(key, message, f"Numbers take {', '.join(NUMERIC)}")
    elif transform == "integer" and kind != schema_file.WHOLE:
        other = "vocabulary or hash" if kind == schema_file.TEXT else "buckets"
        yield Problem(key, message, f"This one takes {other}")
    elif transform == "integer" and not bounded and feature.min is None:
        remedy = "Give 'min' and 'max' here, or an int_domain with both in the schema"
        yield Problem(key, "the range of its integers is not known", remedy)


def _slices(
    config: Config, schema: schema_file.SchemaFile | None, header: list[str] | None
) -> Iterator[Problem]:
    there = list(schema.types) if schema else header
    if there is None:
        return
    known = [*config.features, *(name for name in there if name not in config.features)]
    for index, columns in enumerate(config.evaluation.slices):
        for name in columns:
            if name not in known:
                key, hint = f"evaluation.slices.{index}", did_you_mean(name, known)
                yield Problem(key, f"there is no column {name!r}", hint)


def _folders(config: Config) -> Iterator[Problem]:
    for key, path in {"root": config.root, "serving.push_dir": config.serving.push_dir}.items():
        if path is not None and not is_remote(path):
            yield from _writable(key, pathlib.Path(path))


def _writable(key: str, path: pathlib.Path) -> Iterator[Problem]:
    there = path
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        yield Problem(key, f"{path} cannot be made: {there} is not a folder", "Name another")
    elif not os.access(there, os.W_OK | os.X_OK):
        yield Problem(key, f"{there} cannot be written", "Name another folder, or mend its mode")


def _modules(config: Config) -> Iterator[Problem]:
    modules = config.modules
    named = {key: getattr(modules, key) for key in type(modules).model_fields if key != "extend"}
    named |= {f"extend.{index}": path for index, path in enumerate(modules.extend)}
    for key, path in named.items():
        found = finder.problem(path, config.folder)
        if found is not None:
            yield Problem(f"modules.{key}", f"{path}: {found[0]}", found[1])
