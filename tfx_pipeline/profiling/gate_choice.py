"""The section `gates` that `init` writes: drift and skew, and a hint if a column names groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx_pipeline.profiling.column_types import ColumnProfile, words

_PROTECTED = {
    *("sex", "gender", "race", "ethnicity", "ethnic", "religion", "nationality", "disability"),
    *("disabled", "sexe", "sexo", "género", "genero", "raza", "raça", "raca", "etnia"),
    *("sesso", "genere", "geslacht", "geschlecht", "ethnie", "ethnizität", "altersgruppe"),
    *("religión", "religião", "staatsangehörigkeit", "nationalität", "płeć", "пол", "kön"),
    *("性別", "性别", "人種", "种族", "民族", "国籍", "宗教", "年代", "年齢層", "年齢区分", "성별"),
}
"""What people must not be treated differently for, in some languages."""
_AGES = {"age", "alter", "âge", "edad", "idade"}
_RANGES = {"group", "band", "range", "bracket", "class", "gruppe", "groupe", "grupo", "faixa"}
_MOST_GROUPS = 50


def gates(split: Mapping[str, Any]) -> dict[str, Any]:
    """The gates that are on.

    Splits that are made by a time or by a key differ by how they are made: skew is off there.
    """
    found: dict[str, Any] = {"drift": {"on_drift": "warn"}}
    if not {"time", "by"} & set(split):
        found["skew"] = {"on_skew": "warn"}
    return found


def protected(profiles: Sequence[ColumnProfile]) -> list[str]:
    """The columns that are named like something people must not be treated differently for."""
    return [
        profile.name
        for profile in profiles
        if _is_protected(profile.name) and 2 <= profile.distinct <= _MOST_GROUPS
    ]


def _is_protected(name: str) -> bool:
    parts = set(words(name))
    return bool(parts & _PROTECTED) or bool(parts & _AGES and parts & _RANGES)
