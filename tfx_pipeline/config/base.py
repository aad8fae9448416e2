"""The base class of every mapping in `pipeline.yaml`."""

from __future__ import annotations

import pydantic


class Section(pydantic.BaseModel):
    """A frozen mapping of the configuration that refuses unknown keys."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=()
    )
