"""YAML documents as text, in one style."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any


def dump(documents: Sequence[Any]) -> str:
    """The documents in block style, keys in their order, `---` between them."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 100
    text = io.StringIO()
    for number, document in enumerate(documents):
        if number:
            text.write("---\n")
        yaml.dump(_with_blocks(document), text)
    return text.getvalue()


def _with_blocks(value: Any) -> Any:
    """With texts of several lines as blocks, which people can read."""
    from ruamel.yaml.scalarstring import LiteralScalarString

    if isinstance(value, dict):
        return {key: _with_blocks(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_blocks(item) for item in value]
    is_text = isinstance(value, str) and "\n" in value
    return LiteralScalarString(value) if is_text else value
