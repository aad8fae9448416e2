"""Says what pydantic found in the words of this project: key, rule, what was found, remedy."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import pydantic

from tfx_pipeline.config import models as config_module
from tfx_pipeline.config.yaml_reader import Document, LocatedProblem, Location
from tfx_pipeline.errors import did_you_mean

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
    found: list[Any], values: Mapping[Any, Any], document: Document
) -> list[LocatedProblem]:
    """One problem for each of pydantic's errors, with its line."""
    return [_problem(error, values, document) for error in found]


def location(loc: tuple[Any, ...]) -> Location:
    """Pydantic's location without what is in no file: union tags and `[key]`."""
    parts = [part for part in loc if part != "[key]"]
    if len(parts) > 2 and parts[0] == "features":
        del parts[2]
    return tuple(parts)


def _problem(error: Any, values: Mapping[Any, Any], document: Document) -> LocatedProblem:
    where = location(error["loc"])
    message, remedy = _words(error, where, values)
    line = document.line(where[:-1] if error["type"] == "missing" else where)
    return LocatedProblem(".".join(map(str, where)), message, remedy, line)


def _words(error: Any, where: Location, values: Mapping[Any, Any]) -> tuple[str, str]:
    special: dict[str, Callable[[Any, Location, Mapping[Any, Any]], tuple[str, str]]] = {
        "missing": lambda *_: ("is missing", "Add it"),
        "extra_forbidden": _unknown_key,
        "literal_error": _not_among,
        "union_tag_invalid": _unknown_treatment,
        "union_tag_not_found": _no_treatment,
        "string_pattern_mismatch": _pattern,
        "value_error": lambda error, *_: (str(error["ctx"]["error"]), ""),
    }
    if error["type"] in special:
        return special[error["type"]](error, where, values)
    found = f"found {error['input']!r}" if error["input"] is not None else "found nothing"
    rule = _NUMBER_RULES.get(error["type"])
    if rule is not None:
        return f"{rule.format(**_plain(error.get('ctx', {})))}, {found}", ""
    return _wrong_kind(error, found)


def _wrong_kind(error: Any, found: str) -> tuple[str, str]:
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


def _plain(context: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers as people write them: 0, not 0.0."""
    whole = {k: int(v) for k, v in context.items() if isinstance(v, float) and v == int(v)}
    return {**context, **whole}


def _unknown_key(error: Any, where: Location, values: Mapping[Any, Any]) -> tuple[str, str]:
    holder: Any = values
    for part in where[:-1]:
        holder = holder[part] if isinstance(holder, (dict, list)) else {}
    known = known_keys(where[:-1], values)
    near = did_you_mean(str(where[-1]), known) or f"Known: {', '.join(known)}."
    transform = holder.get("transform") if where[0] == "features" and len(where) > 2 else None
    return f"is no key of {'transform ' + repr(transform) if transform else 'this section'}", near


def _not_among(error: Any, where: Location, values: Any) -> tuple[str, str]:
    expected = error["ctx"]["expected"]
    names = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    hint = did_you_mean(str(error["input"]), names)
    near = hint if hint.startswith("Did") else ""
    return f"must be {expected}, found {error['input']!r}", near


def _unknown_treatment(error: Any, where: Location, values: Any) -> tuple[str, str]:
    tags = list(treatments())
    hint = did_you_mean(error["ctx"]["tag"], tags)
    return f"there is no transform {error['ctx']['tag']!r}", hint


def _no_treatment(error: Any, where: Location, values: Any) -> tuple[str, str]:
    keys = error["input"] if isinstance(error["input"], dict) else {}
    for key in keys:
        hint = did_you_mean(str(key), ["transform"])
        if hint.startswith("Did"):
            return f"has the unknown key {key!r}", hint
    return "has no 'transform'", f"Known: {', '.join(treatments())}."


def _pattern(error: Any, where: Location, values: Any) -> tuple[str, str]:
    rule = PATTERNS.get(".".join(map(str, where)), _DOTTED)
    return f"{rule}, found {error['input']!r}", ""


def treatments() -> dict[str, type[pydantic.BaseModel]]:
    """The classes of features by the name that `transform` gives them."""
    union = typing.get_args(config_module.Feature)[0]
    return {
        typing.get_args(typing.get_type_hints(cls)["transform"])[0]: cls
        for cls in typing.get_args(union)
    }


def known_keys(where: Location, values: Mapping[Any, Any]) -> list[str]:
    """The keys that the section at `where` may have."""
    section: Any = config_module.Config
    held: Any = values
    for part in where:
        held = held.get(part, {}) if isinstance(held, Mapping) else {}
        section = _section_below(section, part, held)
        if section is None:
            return []
    fields = section.model_fields.items()
    return [field.alias or name for name, field in fields if not field.exclude]


def _section_below(section: Any, part: Any, held: Any) -> Any:
    """The model of the section that `part` names, looking through Optional and dict."""
    if isinstance(section, type) and issubclass(section, pydantic.BaseModel):
        fields = section.model_fields.items()
        hints = {field.alias or name: field.annotation for name, field in fields}
        return _unwrapped(hints.get(part))
    if typing.get_origin(section) is dict:
        value = typing.get_args(section)[1]
        if typing.get_origin(value) is typing.Annotated:  # features: a union told by 'transform'
            return treatments().get(held.get("transform") if isinstance(held, Mapping) else "")
        return value
    if typing.get_origin(section) is tuple:
        return typing.get_args(section)[0]
    return None


def _unwrapped(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        parts = [part for part in typing.get_args(annotation) if part is not type(None)]
        return parts[0] if len(parts) == 1 else None
    return annotation
