"""The base class of every mapping in `pipeline.yaml`."""

from __future__ import annotations

from typing import Annotated

import pydantic

DottedPath = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]
"""`package.module.name`, imported when it is used."""


class Section(pydantic.BaseModel):
    """A frozen mapping of the configuration that refuses unknown keys."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=()
    )
