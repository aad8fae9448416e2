"""Protocol buffers as plain values, with protobuf 4 and 6: an option was renamed."""

from __future__ import annotations

import inspect
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

_RENAMED = "always_print_fields_with_no_presence"
_WITH_DEFAULTS = (
    _RENAMED
    if _RENAMED in inspect.signature(json_format.MessageToDict).parameters
    else "including_default_value_fields"
)


def with_defaults(message: Message) -> dict[str, Any]:
    """The fields by their names in the .proto file; those that are not set have their defaults."""
    options: dict[str, Any] = {_WITH_DEFAULTS: True}
    return json_format.MessageToDict(message, preserving_proto_field_name=True, **options)
