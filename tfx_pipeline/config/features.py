"""The section `features:`: finds the class of each column's treatment.

A treatment is a class that holds its settings, its check and its tensors. `transform`
names it: the built-in ones by a short name, your own by its dotted path. Both are found
and checked in the same way.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import pydantic
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from tfx_pipeline import _lazy
from tfx_pipeline.config.treatment import SchemaColumn, Treatment
from tfx_pipeline.errors import did_you_mean
from tfx_pipeline.user_code import finder, loader

BUILT_IN = {
    "auto": "tfx_pipeline.config.treatment.Auto",
    "zscore": "tfx_pipeline.modeling.numeric.ZScore",
    "minmax": "tfx_pipeline.modeling.numeric.MinMax",
    "log": "tfx_pipeline.modeling.numeric.Log",
    "buckets": "tfx_pipeline.modeling.numeric.Buckets",
    "vocabulary": "tfx_pipeline.modeling.categorical.Vocabulary",
    "hash": "tfx_pipeline.modeling.categorical.Hash",
    "integer": "tfx_pipeline.modeling.categorical.Integer",
    "boolean": "tfx_pipeline.modeling.booleans.Boolean",
    "datetime": "tfx_pipeline.modeling.datetimes.DateTime",
    "list": "tfx_pipeline.modeling.bags.List",
    "text": "tfx_pipeline.modeling.bags.Text",
    "image": "tfx_pipeline.modeling.images.Image",
}
"""The built-in treatments: the class of each name."""

ERROR = "treatment"
"""The type of the errors about a treatment as a whole; the context holds the remedy."""

_BASE_CLASS = "tfx_pipeline.modeling.feature.Feature"
_OWN_CLASS = {
    "type": "object",
    "description": "A class of your own; its settings are known to `tfx-pipeline check`.",
    "properties": {"transform": {"type": "string", "pattern": r"^\w+(\.\w+)+$"}},
    "required": ["transform"],
}
_SLOW_IMPORTS = ("tensorflow", "tensorflow_transform", "tf_keras")


def class_path(transform: str) -> str:
    """The dotted path of the class that `transform` names."""
    return BUILT_IN.get(transform, transform)


def find(transform: str) -> type[Treatment]:
    """The class that `transform` names; its module may import TensorFlow, which is deferred.

    Raises:
      LoadError: there is none, its module cannot be imported, or it is no treatment.
    """
    path = class_path(transform)
    if "." not in path:
        hint = did_you_mean(transform, BUILT_IN)
        raise loader.LoadError(path, f"there is no transform {transform!r}", hint)
    with _lazy.deferring(*_SLOW_IMPORTS):
        found = loader.load(path)
    if not (inspect.isclass(found) and issubclass(found, Treatment)):
        raise loader.LoadError(
            path,
            "is not a treatment",
            "Make it a subclass of tfx_pipeline.modeling.feature.Feature",
        )
    taken = [name for name in found.model_fields if name in _attributes(found)]
    if taken:
        message = f"has a setting named {taken[0]!r}, which is a name of its base class"
        raise loader.LoadError(path, message, "Rename the setting")
    return found


def _attributes(cls: type[Treatment]) -> set[str]:
    """The names of methods and properties that a class inherits."""
    return {name for base in cls.__mro__[1:] for name in vars(base) if name not in cls.__dict__}


def misfits(treatment: Treatment, column: SchemaColumn) -> Iterator[tuple[str, str]]:
    """Why a treatment does not fit a column; also if its own check raises."""
    try:
        yield from list(treatment.check(column))
    except Exception as error:
        path = class_path(treatment.transform)
        yield f"{path}.check raised {loader.describe(error)}", ""


class _ByTransform:
    """Tells pydantic to choose the class of a treatment by its key `transform`."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda treatment: treatment.model_dump(mode="json")
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # `{}` and an empty value stand for `{transform: auto}`.
        choices = {name: find(name).__pydantic_core_schema__ for name in BUILT_IN}
        union = handler(core_schema.tagged_union_schema(choices, "transform"))
        return {"oneOf": [*union["oneOf"], _OWN_CLASS, {"type": "null"}]}


def _validate(value: Any, info: pydantic.ValidationInfo) -> Treatment:
    """The treatment of one column, of its plain values."""
    if isinstance(value, Treatment):
        return value
    value = {} if value is None else value
    if not isinstance(value, Mapping):
        raise PydanticCustomError("dict_type", "Input should be a valid dictionary")
    undecided = "auto" if set(value) <= {"indicator"} else None
    transform = value.get("transform", undecided)
    if not isinstance(transform, str):
        raise PydanticCustomError("union_tag_not_found", "has no transform")
    folder = (info.context or {}).get("folder", "")
    if folder and "." in transform:
        missing = finder.problem(transform, str(folder))
        if missing is not None:
            raise _error(f"{transform}: {missing[0]}", missing[1])
        finder.prefer_project(transform.partition(".")[0], folder)
    try:
        return find(transform).model_validate(value, context=info.context)
    except loader.LoadError as error:
        where = f"{transform}: " if "." in transform else ""
        raise _error(f"{where}{error.reason}", error.remedy) from error


def _error(message: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError(ERROR, "{message}", {"message": message, "remedy": remedy})


Feature = Annotated[Treatment, _ByTransform]
"""The treatment of a column, as the configuration holds it."""
