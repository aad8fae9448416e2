"""`columns:`, the types of columns whose values alone do not tell them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import pydantic
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from tfx_pipeline.config.base import Section

TypeName = Literal["text", "integer", "number", "boolean", "datetime", "list", "image"]

TYPES: tuple[str, ...] = get_args(TypeName)
"""The types that a column can have in `columns:`."""

HELD_AS = {
    "text": "BYTES",
    "integer": "INT",
    "number": "FLOAT",
    "boolean": "INT",
    "datetime": "BYTES",
    "list": "BYTES",
    "image": "BYTES",
}
"""How the examples hold a column of each type, in the words of a schema."""

MAX_UNREADABLE = 0.05
"""The default of `max_unreadable`."""

TRUE_TEXTS = ("true", "t", "yes", "y", "1", "1.0")
"""The texts that are true in a boolean column, in any case."""
FALSE_TEXTS = ("false", "f", "no", "n", "0", "0.0")
"""The texts that are false in a boolean column, in any case."""


class ColumnType(Section):
    """A column's type. `COLUMN: TYPE` is short for `COLUMN: {type: TYPE}`."""

    type: TypeName
    """`text` keeps the value as it is written: a zip code keeps its zero. `integer` and `number`
    refuse other values. `boolean` is true, t, yes, y or 1, and false, f, no, n or 0, in any case.
    `datetime` is a date, a time or both, `list` several values. `image` is a JPEG or PNG file: its
    bytes, or its path from the folder of the table."""
    format: str | None = None
    """For `datetime`: how it is written, as Python's `strptime` takes it, for example
    `%d/%m/%Y`. Absent: ISO 8601."""
    zone: str | None = None
    """For `datetime`: the time zone of values that name none, for example `Asia/Tokyo`.
    Absent: UTC."""

    max_unreadable: Annotated[float, Field(ge=0, le=1)] | None = None
    """For `image`: the largest share of the images that may be unreadable. These are counted as
    missing; with more of them the run stops. Absent: 0.05."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _of_its_name(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @pydantic.model_validator(mode="after")
    def _keys_fit_the_type(self) -> ColumnType:
        keys = {"format": "datetime", "zone": "datetime", "max_unreadable": "image"}
        for key, type_ in keys.items():
            if getattr(self, key) is not None and self.type != type_:
                raise ValueError(f"has {key!r}, which is for type {type_!r}, not {self.type!r}")
        return self


class _OrName:
    """Tells the JSON Schema that the type's name is enough."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler(source)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "enum": list(TYPES)}, handler(schema)]}


Column = Annotated[ColumnType, _OrName]
"""The type of a column, as the configuration holds it."""
