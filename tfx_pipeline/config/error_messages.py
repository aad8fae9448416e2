"""Turns pydantic's errors into messages of this project: key, rule, what was found, remedy."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any

import pydantic
from pydantic_core import ErrorDetails

from tfx_pipeline.config import features, models
from tfx_pipeline.config.treatment import Treatment
from tfx_pipeline.config.yaml_reader import Document, LocatedProblem, Location
from tfx_pipeline.errors import did_you_mean
from tfx_pipeline.user_code.loader import LoadError

PATTERNS = {
    "name": "must be 1 to 63 lower-case letters, digits and '-', with no '-' at its ends",
    "serving.model_name": "must be 1 to 63 lower-case letters, digits and '-', "
    "with no '-' at its ends",
}
_DOTTED = "must be a dotted path such as 'package.module.function'"

_NUMBER_RULES = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be above {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be below {lt}",
    "finite_number": "must be a finite number",
    "string_too_long": "must have at most {max_length} character(s)",
    "string_too_short": "must have at least {min_length} character(s)",
}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "dict": "a mapping of keys",
    "model": "a mapping of keys",
}
_QUOTES = "Put it in quotes to make it text"


def problems(
    found: list[ErrorDetails], values: Mapping[Any, Any], document: Document
) -> list[LocatedProblem]:
    """One problem for each of pydantic's errors, with its line."""
    result = []
    for error in found:
        where = location(error["loc"])
        message, remedy = _words(error, where, values)
        line = document.line(where[:-1] if error["type"] == "missing" else where)
        result.append(LocatedProblem(".".join(map(str, where)), message, remedy, line))
    return result


def location(loc: tuple[Any, ...]) -> Location:
    """Pydantic's location without `[key]`, which is not in the file."""
    return tuple(part for part in loc if part != "[key]")


def _words(error: ErrorDetails, where: Location, values: Mapping[Any, Any]) -> tuple[str, str]:
    """The message and the remedy for one error."""
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return "is missing", "Add it"
    if kind == "value_error":
        return str(context["error"]), ""
    if kind == "extra_forbidden":
        return _unknown_key(where, values)
    if kind == "literal_error":
        return _not_among(given, context["expected"])
    if kind == features.ERROR:
        return context["message"], context["remedy"]
    if kind == "union_tag_not_found":
        return _no_treatment(given)
    if kind == "string_pattern_mismatch":
        rule = PATTERNS.get(".".join(map(str, where)), _DOTTED)
        return f"{rule}, found {given!r}", ""
    found = f"found {given!r}" if given is not None else "found nothing"
    if kind in _NUMBER_RULES:
        # Numbers as people write them: 0, not 0.0.
        whole = {k: int(v) for k, v in context.items() if isinstance(v, float) and v == int(v)}
        return f"{_NUMBER_RULES[kind].format(**context | whole)}, {found}", ""
    return _wrong_kind(error, found)


def _wrong_kind(error: ErrorDetails, found: str) -> tuple[str, str]:
    kind = error["type"].split("_")[0]
    if error["loc"][-1] == "[key]":
        return f"must be text, {found}", _QUOTES
    if kind not in _KINDS:
        return f"{error['msg'][0].lower()}{error['msg'][1:]}, {found}", ""
    quotable = kind == "string" and isinstance(error["input"], (int, float, bool))
    remedy = _QUOTES if quotable else ""
    if kind == "tuple" and isinstance(error["input"], (str, int, float)):
        remedy = f"Write [{error['input']}]"
    return f"must be {_KINDS[kind]}, {found}", remedy


def _unknown_key(where: Location, values: Mapping[Any, Any]) -> tuple[str, str]:
    known = known_keys(where[:-1], values)
    near = did_you_mean(str(where[-1]), known) or f"Known: {', '.join(known)}."
    if where[0] == "features" and len(where) > 2:
        transform = values["features"][where[1]]["transform"]
        return f"unknown key of transform {transform!r}", near
    return "unknown key", near


def _not_among(given: Any, expected: str) -> tuple[str, str]:
    names = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    hint = did_you_mean(str(given), names)
    return f"must be {expected}, found {given!r}", hint if hint.startswith("Did") else ""


def _no_treatment(given: Any) -> tuple[str, str]:
    for key in given if isinstance(given, dict) else ():
        hint = did_you_mean(str(key), ["transform"])
        if hint.startswith("Did"):
            return f"has the unknown key {key!r}", hint
    return "has no 'transform'", f"Known: {', '.join(features.BUILT_IN)}."


def known_keys(where: Location, values: Mapping[Any, Any]) -> list[str]:
    """The keys that the section at `where` may have."""
    section: Any = models.Config
    given: Any = values
    for part in where:
        given = given.get(part, {}) if isinstance(given, Mapping) else {}
        section = _section_below(section, part, given)
        if section is None:
            return []
    fields = section.model_fields.items()
    return [field.alias or name for name, field in fields if not field.exclude]


def _treatment(given: Any) -> type[pydantic.BaseModel] | None:
    """The class of a column's treatment; None if there is no such class."""
    try:
        return features.find(str(given["transform"]))
    except (LoadError, LookupError, TypeError):
        return None


def _section_below(section: Any, part: Any, given: Any) -> Any:
    """The model of the section named `part`; None when there is none."""
    if isinstance(section, type) and issubclass(section, pydantic.BaseModel):
        fields = section.model_fields.items()
        annotation = {field.alias or name: field.annotation for name, field in fields}.get(part)
        if typing.get_origin(annotation) in (typing.Union, types.UnionType):
            parts = [p for p in typing.get_args(annotation) if p is not type(None)]
            return parts[0] if len(parts) == 1 else None
        return annotation
    if typing.get_origin(section) is dict:
        value = typing.get_args(section)[1]
        if typing.get_origin(value) is not typing.Annotated:
            return value
        section = typing.get_args(value)[0]  # in features, `transform` selects the class
        return _treatment(given) if section is Treatment else section
    if typing.get_origin(section) is tuple:
        return typing.get_args(section)[0]
    return None
