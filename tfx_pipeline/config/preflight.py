"""Compares a configuration with the data, the schema, the folders and the modules it names.

Only names, types and paths are checked, which takes well under a second and never
imports TensorFlow. The rows are checked by ExampleGen and the DataGate.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

from tfx_pipeline.config import data_files, database_url, datetime_format, schema_file
from tfx_pipeline.config.columns import HELD_AS
from tfx_pipeline.config.features import misfits
from tfx_pipeline.config.metric_catalog import REGRESSION
from tfx_pipeline.config.models import Config, PipelineConfig
from tfx_pipeline.config.treatment import TEXT
from tfx_pipeline.errors import ConfigError, Problem, did_you_mean
from tfx_pipeline.storage.layout import is_remote
from tfx_pipeline.user_code import finder


def preflight(config: PipelineConfig) -> None:
    """Checks everything that can be known before a run starts.

    With a curated schema, the DataGate checks the data's columns: there a missing
    column is an error of the data, not of the configuration.

    Raises:
      ConfigError: something is wrong; it holds all problems.
    """
    columns = isinstance(config, Config) and config.schema_source.path is None
    problems = check(config, columns=columns)
    if problems:
        raise ConfigError(problems)


def check(config: PipelineConfig, *, columns: bool = True) -> list[Problem]:
    """Returns every problem that would make a run of `config` fail.

    Args:
      config: what to check.
      columns: whether to compare the columns of the data as well.
    """
    problems = [*_folders(config), *_modules(config)]
    if isinstance(config, Config):
        problems = [*_standard(config, columns), *problems]
    return problems


def _standard(config: Config, columns: bool) -> list[Problem]:
    """Problems of the sections of the standard pipeline."""
    data_problems, header = _data(config)
    schema_problems, schema = _schema(config)
    if not columns:
        data_problems = [
            problem for problem in data_problems if problem.where in ("data.path", "data.url")
        ]
    return [
        *data_problems,
        *schema_problems,
        *_dates(config),
        *(_features(config, schema) if schema else ()),
        *(_types(config, schema) if schema else ()),
        *(_groups(config, schema) if schema else ()),
        *_slices(config, list(schema.types) if schema else header),
    ]


def _data(config: Config) -> tuple[list[Problem], list[str] | None]:
    """Problems of the data's files, and the columns of the first file that names them."""
    path = config.data.path
    if config.data.url is not None:
        return list(_database(config.data.url)), None
    if is_remote(path):
        return [], None
    files = data_files.find(path, config.data.format, config.data.split.folder_names)
    if not files:
        return [_no_data(path, config.data.format)], None
    headers = {
        file: data_files.columns(file, config.data.format, config.data.text_format)
        for file in files[: data_files.MAX_FILES]
    }
    known = {file: header for file, header in headers.items() if header is not None}
    tables: dict[str, tuple[pathlib.Path, list[str]]] = {}  # one for each span
    for file, header in known.items():
        first, columns = tables.setdefault(_table(path, file), (file, []))
        columns += [name for name in header if name not in columns]
    found: dict[str, Problem] = {}  # the same problem in several spans is reported once
    for first, columns in tables.values():
        for problem in columns_of(config, str(first), columns):
            found.setdefault(problem.where, problem)
    return list(found.values()), next((columns for _, columns in tables.values()), None)


def _database(url: str) -> Iterator[Problem]:
    """Only whether a file is there: the machine that compiles may not reach a server."""
    if database_url.is_embedded(url):
        path = pathlib.Path(database_url.file_of(url))
        if not path.is_file():
            names = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
            hint = did_you_mean(path.name, names) or "Name the database's file"
            yield Problem("data.url", f"{path} does not exist", hint)


def _table(path: str, file: pathlib.Path) -> str:
    """What tells a file's table from others: its folder, if `path` stands for several spans."""
    return str(file.parent) if data_files.has_span(path) else path


def _no_data(path: str, file_format: str) -> Problem:
    place = pathlib.Path(path)
    if data_files.has_span(path) or place.is_dir():
        remedy = "Put the data there, or correct data.format"
        names = data_files.expected_names(file_format)
        return Problem("data.path", f"{path} has no files {names}", remedy)
    above = place.parent
    hint = did_you_mean(
        place.name, sorted(p.name for p in above.iterdir()) if above.is_dir() else []
    )
    return Problem("data.path", f"{path} does not exist", hint or "Name a folder or a file")


def columns_of(config: Config, source: str, header: list[str]) -> Iterator[Problem]:
    """Columns that the configuration names and the data does not have.

    Args:
      config: names the columns.
      source: the data, for messages.
      header: the data's columns.
    """
    wanted = {f"features.{name}": name for name in config.features}
    wanted["label.name"] = config.label.name
    if config.label.weight:
        wanted["label.weight"] = config.label.weight
    if config.data.split.rule:
        kind, column = config.data.split.rule
        wanted[f"data.split.{kind}"] = column
    if config.gates.bias:
        wanted |= {f"gates.bias.groups.{i}": n for i, n in enumerate(config.gates.bias.groups)}
    absent = {key: name for key, name in wanted.items() if name not in header}
    if len(absent) == len(wanted) and (len(wanted) > 1 or len(header) == 1):
        found = ", ".join(map(repr, header[:5]))
        if config.data.format in data_files.DELIMITED:
            remedy = "The first line must name the columns. Check data.delimiter and data.header"
            message = f"{source} has none of the columns; its first line starts with {found}"
            yield Problem("data.delimiter", message, remedy)
        else:
            where = "data.url" if config.data.is_sql else "data.path"
            message = f"{source} has none of the columns; it has {found}"
            yield Problem(where, message, "Name the right data, or correct the columns' names")
        return
    for key, name in absent.items():
        rest = [column for column in header if column not in wanted.values()]
        yield Problem(key, f"the data has no column {name!r} ({source})", did_you_mean(name, rest))
    others = {f"data.exclude.{i}": name for i, name in enumerate(config.data.exclude)}
    for key, name in {**others, **{f"columns.{name}": name for name in config.columns}}.items():
        if name not in header:
            yield Problem(key, f"the data has no column {name!r}", did_you_mean(name, header))


def _schema(config: Config) -> tuple[list[Problem], schema_file.SchemaSummary | None]:
    path = config.schema_source.path
    if path is None or is_remote(path):
        return [], None
    try:
        schema = schema_file.summarise(schema_file.read_schema(path))
    except schema_file.SchemaError as error:
        return [Problem("schema.path", str(error))], None
    except FileNotFoundError:
        remedy = "Leave 'schema.path' out to use the inferred schema"
        return [Problem("schema.path", f"{path} does not exist", remedy)], None
    except OSError as error:
        return [Problem("schema.path", f"{path} cannot be read: {error.strerror}")], None
    return _label(config, schema), schema


def _label(config: Config, schema: schema_file.SchemaSummary) -> list[Problem]:
    problems = []
    for key, name in (("name", config.label.name), ("weight", config.label.weight)):
        where = f"label.{key}"
        if name is None:
            continue
        if name not in schema.types:
            rest = [column for column in schema.types if column not in config.features]
            problem = Problem(where, f"the schema has no {name!r}", did_you_mean(name, rest))
            problems.append(problem)
        elif name in schema.served:
            what = "label" if key == "name" else "weight"
            remedy = f"Add not_in_environment: '{schema_file.SERVING}' to it in the schema"
            message = f"the schema expects the {what} {name!r} in prediction requests"
            problems.append(Problem(where, message, remedy))
        elif schema.types[name] == TEXT and (key == "weight" or config.label.task == REGRESSION):
            what = "a weight" if key == "weight" else "the label of a regression"
            message = f"{what} is a number, but the schema says that {name!r} is {TEXT}"
            problems.append(Problem(where, message, "Name another column, or correct the schema"))
    return problems


def _dates(config: Config) -> Iterator[Problem]:
    for name, column in config.columns.items():
        for key, value, read in (
            ("format", column.format, datetime_format.pattern),
            ("zone", column.zone, datetime_format.offsets),
        ):
            try:
                if value is not None:
                    read(value)
            except ValueError as error:
                yield Problem(f"columns.{name}.{key}", str(error))


def _features(config: Config, schema: schema_file.SchemaSummary) -> Iterator[Problem]:
    for name, feature in config.features.items():
        key = f"features.{name}"
        if name not in schema.types:
            hint = did_you_mean(name, [c for c in schema.types if c not in config.features])
            yield Problem(key, f"the schema has no {name!r}", hint)
        else:
            for message, remedy in misfits(feature, schema.column(name)):
                yield Problem(key, message, remedy)


def _types(config: Config, schema: schema_file.SchemaSummary) -> Iterator[Problem]:
    """Columns whose type in `columns:` is not the one in the schema."""
    for name, column in config.columns.items():
        held, known = HELD_AS[column.type], schema.types.get(name, "")
        if known in HELD_AS.values() and held != known:
            message = f"{column.type} is held as {held}, and the schema says {known}"
            yield Problem(f"columns.{name}", message, "Correct one of them")


def _groups(config: Config, schema: schema_file.SchemaSummary) -> Iterator[Problem]:
    for index, name in enumerate(config.gates.bias.groups if config.gates.bias else ()):
        if name not in schema.types:
            where, hint = f"gates.bias.groups.{index}", did_you_mean(name, schema.types)
            yield Problem(where, f"the schema has no {name!r}", hint)


def _slices(config: Config, columns: list[str] | None) -> Iterator[Problem]:
    if columns is None:
        return
    known = [*config.features, *(name for name in columns if name not in config.features)]
    for index, slice_ in enumerate(config.evaluation.slices):
        for name in slice_:
            if name not in known:
                key, hint = f"evaluation.slices.{index}", did_you_mean(name, known)
                yield Problem(key, f"there is no column {name!r}", hint)


def _folders(config: PipelineConfig) -> Iterator[Problem]:
    for key, path in {"root": config.root, "serving.push_dir": config.serving.push_dir}.items():
        if path is None or is_remote(path):
            continue
        existing = pathlib.Path(path)
        while not os.path.lexists(existing) and existing != existing.parent:
            existing = existing.parent
        if not existing.is_dir():
            message = f"{path} cannot be created: {existing} is not a folder"
            yield Problem(key, message, "Name another folder")
        elif not os.access(existing, os.W_OK | os.X_OK):
            remedy = "Name another folder, or change its permissions"
            yield Problem(key, f"{existing} is not writable", remedy)


def _modules(config: PipelineConfig) -> Iterator[Problem]:
    modules = config.modules
    keys = [key for key in type(modules).model_fields if key != "extend"]
    named = {f"modules.{key}": getattr(modules, key) for key in keys}
    named |= {f"modules.extend.{index}": path for index, path in enumerate(modules.extend)}
    if isinstance(config, Config) and config.tuning and config.tuning.tuner_fn:
        named["tuning.tuner_fn"] = config.tuning.tuner_fn
    for where, path in named.items():
        found = finder.problem(path, config.folder)
        if found is not None:
            yield Problem(where, f"{path}: {found[0]}", found[1])
