"""What is known about files before they are read: the types of their columns, their problems."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from tfx_pipeline.components.common.column_kinds import Kind
from tfx_pipeline.components.example_gen import csv_diagnostics
from tfx_pipeline.errors import Finding


@dataclasses.dataclass
class Profile:
    """The types and problems of one or several files.

    Attributes:
      kinds: each column's kind; EMPTY if no row has a value.
      findings: the first problems.
      problems: the number of all problems.
      places: where a column first has each kind, by the kind's name. Only of files whose rows
        are passed on unchanged, in which a column must have one kind.
    """

    kinds: dict[str, Kind] = dataclasses.field(default_factory=dict)
    findings: list[Finding] = dataclasses.field(default_factory=list)
    problems: int = 0
    places: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)


def merge(profiles: Iterable[Profile]) -> Profile:
    """The profile of all files together."""
    result = Profile()
    for profile in profiles:
        for name, kind in profile.kinds.items():
            result.kinds[name] = max(result.kinds.get(name, Kind.EMPTY), kind)
        result.findings += profile.findings[: csv_diagnostics.MOST - len(result.findings)]
        result.problems += profile.problems
        for name, places in profile.places.items():
            for kind_name, place in places.items():
                result.places.setdefault(name, {}).setdefault(kind_name, place)
    return result


def with_mixed_kinds(profile: Profile) -> Profile:
    """The profile with a problem for each column that has several kinds."""
    mixed = {name: places for name, places in profile.places.items() if len(places) > 1}
    findings = [
        Finding(name, "values of several types", "; ".join(f"{k}: {w}" for k, w in places.items()))
        for name, places in sorted(mixed.items())
    ]
    return dataclasses.replace(
        profile,
        findings=[*profile.findings, *findings][: csv_diagnostics.MOST],
        problems=profile.problems + len(mixed),
    )
