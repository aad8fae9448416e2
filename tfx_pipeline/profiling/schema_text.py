"""Writes the first curated schema, in TensorFlow Metadata's text format."""

from __future__ import annotations

import math

from tfx_pipeline.config.treatment import TEXT
from tfx_pipeline.profiling.column_types import ColumnProfile
from tfx_pipeline.profiling.plan import Plan

_MOST_LISTED = 30
_SMALLEST_SPLIT = 0.2
_FIRM_ROWS = 1000
_FEWEST_VALUES = 10
_READABLE = 0.9
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def schema_pbtxt(plan: Plan, path: str) -> str:
    """The text of the schema: the label, the features, and the columns that split the rows."""
    read = [c.profile for c in plan.features if c.settings is not None or c.kept]
    served = {c.profile.name for c in plan.features if c.settings is not None}
    domains = {p.name: _domain(p, plan) for p in (*read, plan.label.profile)}
    parts = [
        f"# What a row of {_printable(path)} must look like. Written by tfx-pipeline init.\n"
        "# An absent value is no value at all; min_fraction is the least share of rows with one.\n",
        'default_environment: "TRAINING"\ndefault_environment: "SERVING"\n',
        *(_feature(p, plan, domains[p.name], p.name in served) for p in read),
        "# The label, known only when training.",
        _feature(plan.label.profile, plan, domains[plan.label.name], served=False),
        *(_string_domain(name, values) for name, values in domains.items() if values),
    ]
    return "\n".join(parts)


def _feature(profile: ColumnProfile, plan: Plan, domain: list[str], served: bool) -> str:
    lines = [
        f"  name: {quoted(profile.name)}",
        f"  type: {profile.held}",
        f"  presence {{ {_presence(profile, plan)} }}",
        "  value_count { min: 1 max: 1 }",
    ]
    if domain:
        lines.append(f"  domain: {quoted(profile.name)}")
        if profile.name != plan.label.name:
            lines.append("  # New values may appear in one row of ten before somebody must look.")
            lines.append("  distribution_constraints { min_domain_mass: 0.9 }")
    if profile.type == "image":
        lines.append("  image_domain { }")
    if profile.type == "boolean":
        lines.append("  int_domain { min: 0 max: 1 }")
    if not served:
        lines.append('  not_in_environment: "SERVING"')
    return "feature {\n" + "\n".join(lines) + "\n}"


def _presence(profile: ColumnProfile, plan: Plan) -> str:
    """The least share of rows with a value, below that of any split by chance."""
    if profile.type == "image":  # a few may be unreadable, and are missing values then
        return f"min_fraction: {_READABLE:g} min_count: 1"
    rows = profile.values.rows
    if profile.present == rows >= _FIRM_ROWS:
        return "min_fraction: 1 min_count: 1"
    if plan.periods:  # what is known changes with the time
        found = ~profile.missing_rows
        parts = [(float(found[part].mean()), float(part.sum())) for part in plan.periods]
    else:  # rows of one group are alike, so each group counts once
        parts = [(profile.present / rows, (plan.groups or rows) * _SMALLEST_SPLIT)]
    lows = [share - 4 * math.sqrt(max(share * (1 - share), 1 / rows) / n) for share, n in parts]
    least = max(0.0, math.floor(min(lows) * 90) / 100)
    if least:
        return f"min_fraction: {least:g} min_count: 1"
    fewest = min(share * n for share, n in parts)
    return f"min_count: {int(fewest >= _FEWEST_VALUES)}"


def _domain(profile: ColumnProfile, plan: Plan) -> list[str]:
    """The values of a column of few texts; empty for other columns."""
    if profile.held != TEXT or profile.type != "text":
        return []
    is_class = profile.name == plan.label.name and plan.label.task != "regression"
    if not is_class and (
        profile.distinct > _MOST_LISTED or profile.distinct * 10 > profile.present
    ):
        return []
    return sorted(profile.values.of(~profile.missing, profile.distinct))


def _string_domain(name: str, values: list[str]) -> str:
    listed = "\n".join(f"  value: {quoted(value)}" for value in values)
    return f"string_domain {{\n  name: {quoted(name)}\n{listed}\n}}"


def quoted(text: str) -> str:
    """A text as protobuf's text format writes it."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else _octal(character)


def _octal(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode())


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
