"""Values as Python source, for templates of Python files."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from typing import Any


class Code(str):
    """Text that is written to the file without quotes."""


def call(name: str, *args: Any, **keyword_args: Any) -> Code:
    """A call, for example `Asset(name="x")`."""
    parts = [*map(source, args), *filter(None, [keywords(keyword_args)])]
    return Code(f"{name}({', '.join(parts)})")


def keywords(values: Mapping[str, Any]) -> str:
    """Keyword arguments of a call."""
    return ", ".join(f"{key}={source(value)}" for key, value in values.items())


def lines(values: Iterable[str]) -> str:
    """A list with one item on each line."""
    return "".join(["[\n", *(f"    {source(value)},\n" for value in values), "]"])


def text(value: str) -> str:
    """A text with one line of it on each line."""
    lines = "".join(f"        {source(line)}\n" for line in value.splitlines(keepends=True))
    return f"(\n{lines}    )"


def source(value: Any) -> str:
    """A value as a Python expression, with double quotes."""
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime.timedelta):
        return f"timedelta(seconds={int(value.total_seconds())})"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(source, value))}]"
    return repr(value)
