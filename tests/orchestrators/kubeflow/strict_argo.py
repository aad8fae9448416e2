"""Runs in the environment that has Hera: takes workflows apart by Argo's own schema.

Hera's models are made from Argo's OpenAPI schema but let unknown keys pass; the walk
here does not. Prints how many keys it looked at, for each document.
"""

import json
import pathlib
import sys
import types
import typing

import pydantic
import yaml
from hera.workflows import models

KINDS = {"Workflow": models.Workflow, "CronWorkflow": models.CronWorkflow}


def main(path):
    seen = []
    for document in yaml.safe_load_all(pathlib.Path(path).read_text(encoding="utf-8")):
        model = KINDS[document["kind"]]
        model.model_validate(document)
        seen.append(walk(document, model, document["kind"]))
    print(json.dumps(seen))


def walk(value, annotation, where):
    """Counts the keys below `value`; raises for one that the model does not have."""
    model = model_of(annotation)
    if isinstance(value, list):
        return sum(walk(item, inner(annotation), f"{where}[{i}]") for i, item in enumerate(value))
    if not isinstance(value, dict) or model is None:
        return 0
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    count = len(value)
    for key, child in value.items():
        if key not in fields:
            raise SystemExit(f"{where}: {model.__name__} has no {key!r}")
        count += walk(child, fields[key].annotation, f"{where}.{key}")
    return count


def members(annotation):
    """The types of a union, without None."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [a for a in typing.get_args(annotation) if a is not type(None)]
    return [annotation]


def inner(annotation):
    """The type of a list's items."""
    for member in members(annotation):
        if typing.get_origin(member) is list:
            return typing.get_args(member)[0]
    return None


def model_of(annotation):
    """The model a mapping is of; None for a mapping of free keys."""
    for member in members(annotation):
        if isinstance(member, type) and issubclass(member, pydantic.BaseModel):
            return None if issubclass(member, pydantic.RootModel) else member
    return None


if __name__ == "__main__":
    main(sys.argv[1])
