"""Changes a message in protobuf text format where it differs, and keeps the rest of the text.

protobuf's own writer drops comments and blank lines. Here only the fields that differ are
replaced, removed or added, so that a curated schema can be reviewed as a small diff.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import Message

_TOKEN = re.compile(
    r"""(?P<space>(?:\s|\#[^\n]*)+)|(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
    r"""|(?P<word>[^\s\#"'{}<>\[\]:;,]+)|(?P<sign>[{}<>\[\]:;,])""",
)
_CLOSING = {"{": "}", "<": ">"}


@dataclasses.dataclass(frozen=True)
class _Field:
    """A field in the text: `start` to `end` with its name, and the inside of its braces."""

    name: str
    start: int
    end: int
    inside: tuple[int, int] | None


@dataclasses.dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def edit(text: str, before: Message, after: Message) -> str:
    """The text of `before` changed so that it is the text of `after`.

    Args:
      text: the text of `before`, with comments.
      before: what the text says.
      after: what it is to say.

    Raises:
      ValueError: the text has a form that cannot be changed in place.
    """
    edits = _edits(text, (0, len(text)), before, after, 0)
    for start, end, new in sorted(edits, key=lambda e: (e[0], e[1]), reverse=True):
        text = text[:start] + new + text[end:]
    if text_format.Parse(text, type(after)()) != after:
        raise ValueError("the text has a form that cannot be changed in place")
    return text


_Edit = tuple[int, int, str]


def _edits(
    text: str, span: tuple[int, int], before: Message, after: Message, depth: int
) -> list[_Edit]:
    """The changes inside of a message's braces."""
    fields = _fields(text, span)
    edits: list[_Edit] = []
    added: list[tuple[str, Any]] = []
    for descriptor in after.DESCRIPTOR.fields:
        name = descriptor.name
        found = [field for field in fields if field.name == name]
        old, new = (_values(message, descriptor) for message in (before, after))
        if len(found) != len(old):
            if old == new:
                continue
            raise ValueError("the text has a form that cannot be changed in place")
        pairs = _pairs(old, new)
        for index, replacement in pairs.items():
            field = found[index]
            if replacement is None:
                edits.append((*_whole_line(text, field), ""))
            elif isinstance(replacement, Message) and field.inside:
                edits += _edits(text, field.inside, old[index], replacement, depth + 1)
            elif old[index] != replacement:
                edits.append((field.start, field.end, _written(after, name, replacement)))
        taken = [id(value) for value in pairs.values()]
        rest = [value for value in new if id(value) not in taken] if new else []
        known = list(old) if not _is_message(new) else []
        added += [(name, value) for value in rest if value not in known]
    if added:
        edits.append(_insertion(text, span, fields, [_written(after, *item) for item in added]))
    return edits


def _values(message: Message, descriptor: Any) -> list[Any]:
    chosen = {field.name: value for field, value in message.ListFields()}
    if descriptor.name not in chosen:
        return []
    value = chosen[descriptor.name]
    return list(value) if _is_repeated(value) else [value]


def _is_repeated(value: Any) -> bool:
    return hasattr(value, "append")


def _is_message(values: Sequence[Any]) -> bool:
    return bool(values) and isinstance(values[0], Message)


def _pairs(old: Sequence[Any], new: Sequence[Any]) -> dict[int, Any]:
    """For each old value, the new one that takes its place; None if it is gone."""
    if len(old) <= 1 and len(new) <= 1:
        return dict.fromkeys(range(len(old)), new[0] if new else None)
    left = {_key(value): value for value in reversed(new)}
    return {index: left.get(_key(value)) for index, value in enumerate(old)}


def _key(value: Any) -> Any:
    """What identifies a value among others: the name of a feature or of a domain."""
    if isinstance(value, Message):
        return getattr(value, "name", "") or value.SerializeToString(deterministic=True)
    return value


def _written(parent: Message, name: str, value: Any) -> str:
    """A field as text on one line; a message with its fields on lines of their own."""
    message = type(parent)()
    if _is_repeated(getattr(message, name)):
        getattr(message, name).extend([value])
    elif isinstance(value, Message):
        getattr(message, name).CopyFrom(value)
    else:
        setattr(message, name, value)
    return text_format.MessageToString(message, as_utf8=True).rstrip("\n")


def _insertion(
    text: str, span: tuple[int, int], fields: Sequence[_Field], added: Sequence[str]
) -> _Edit:
    """Adds fields after the last one: on its line if the message has one line."""
    at = max((field.end for field in fields), default=span[0])
    if at < len(text) and text[at] in ";,":
        at += 1
    if "\n" not in text[span[0] : span[1]] and span[1] < len(text):
        flat = [re.sub(r"\s*\n\s*", " ", item) for item in added]
        return at, at, "".join(f" {item}" for item in flat)
    line = text.find("\n", at, span[1])
    line = span[1] if line < 0 else line
    last = max(fields, key=lambda field: field.end, default=None)
    indent = ""
    if last is not None:
        start = text.rfind("\n", 0, last.start) + 1
        indent = re.match(r"[ \t]*", text[start:])[0]  # type: ignore[index]
    lines = [indent + part for item in added for part in item.split("\n")]
    return line, line, "".join(f"\n{part}" for part in lines)


def _whole_line(text: str, field: _Field) -> tuple[int, int]:
    """The field with the blanks before it, and its line if nothing else is on it."""
    start = field.start
    while start and text[start - 1] in " \t":
        start -= 1
    alone = start == 0 or text[start - 1] == "\n"
    if alone and text[field.end : field.end + 1] == "\n":
        return start, field.end + 1
    return start, field.end


def _fields(text: str, span: tuple[int, int]) -> list[_Field]:
    """The fields of a message; those inside of other braces are not listed."""
    tokens = [t for t in _tokens(text, span) if t.kind != "space"]
    found, index = [], 0
    while index < len(tokens):
        first = tokens[index]
        if first.text in ";,":
            index += 1
            continue
        index += 1
        if index < len(tokens) and tokens[index].text == ":":
            index += 1
        if index >= len(tokens) or first.kind != "word":
            raise ValueError("the text has a form that cannot be changed in place")
        inside = None
        if tokens[index].text in _CLOSING:
            end = _closing(tokens, index)
            inside = tokens[index].end, tokens[end].start
        else:
            end = index
            while end + 1 < len(tokens) and tokens[end].kind == tokens[end + 1].kind == "text":
                end += 1
        found.append(_Field(first.text, first.start, tokens[end].end, inside))
        index = end + 1
    return found


def _closing(tokens: Sequence[_Token], index: int) -> int:
    depth = 0
    for place in range(index, len(tokens)):
        if tokens[place].kind == "sign":
            depth += (tokens[place].text in "{<") - (tokens[place].text in "}>")
            if not depth:
                return place
    raise ValueError("the text has a form that cannot be changed in place")


def _tokens(text: str, span: tuple[int, int]) -> list[_Token]:
    found, place = [], span[0]
    while place < span[1]:
        match = _TOKEN.match(text, place, span[1])
        if match is None:
            raise ValueError("the text has a form that cannot be changed in place")
        found.append(_Token(match.lastgroup or "", match[0], place, match.end()))
        place = match.end()
    return found
