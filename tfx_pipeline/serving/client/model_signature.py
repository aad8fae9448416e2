"""What a model takes and gives, as its server says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tfx_pipeline.errors import ConfigError, Problem, did_you_mean
from tfx_pipeline.serving.protocol import tensors

COLUMNS = "columns"


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or output.

    Attributes:
      dtype: TensorFlow's DataType.
      width: None for `[batch]` and for any rank; 1 for `[batch, 1]`.
    """

    dtype: int
    width: int | None = None

    @property
    def type_name(self) -> str:
        return tensors.type_name(self.dtype)


@dataclasses.dataclass(frozen=True)
class Signature:
    """A signature of a model; its inputs are the columns of a row."""

    name: str
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


def choose(definitions: Mapping[str, Any], name: str, model: str) -> Signature:
    """The signature `name` of a SignatureDefMap.

    Raises:
      ConfigError: there is none, or its inputs are no columns.
    """
    if name not in definitions:
        hint = did_you_mean(name, sorted(definitions))
        raise ConfigError(Problem("signature", f"model {model} has no {name!r}", hint))
    definition = definitions[name]
    signature = Signature(name, _read(definition.inputs), _read(definition.outputs))
    for column, tensor in signature.inputs.items():
        shape = definition.inputs[column].tensor_shape
        if len(shape.dim) > 2 or tensor.width not in (None, 1):
            sizes = [dim.size for dim in shape.dim]
            message = f"input {column!r} of {name!r} is no column: its shape is {sizes}"
            raise ConfigError(Problem("signature", message))
    return signature


def _read(infos: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: Tensor(infos[name].dtype, _width(infos[name])) for name in sorted(infos)}


def _width(info: Any) -> int | None:
    dims = info.tensor_shape.dim
    return dims[1].size if len(dims) == 2 else None
