"""The inputs and outputs of a model, as its server reports them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tfx_pipeline.errors import ConfigError, Problem, did_you_mean
from tfx_pipeline.serving.protocol import tensors

COLUMNS, SERVING_DEFAULT = "columns", "serving_default"
LIST = -1
"""The width of an input for lists: a column with several values in a row."""

_EXAMPLES = "examples"
_EXAMPLES_METHODS = ("tensorflow/serving/classify", "tensorflow/serving/regress")


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or output.

    Attributes:
      dtype: the number of TensorFlow's DataType.
      width: 1 for the shape `[batch, 1]`; -1 for `[batch, n]`, a column with several values in
        a row; None for `[batch]` and for an unknown rank.
    """

    dtype: int
    width: int | None = None

    @property
    def type_name(self) -> str:
        """TensorFlow's name of the type, for example `float`."""
        return tensors.type_name(self.dtype)


@dataclasses.dataclass(frozen=True)
class Signature:
    """A signature of a model.

    Attributes:
      name: its name.
      inputs: the columns of a row, or one input of serialized tf.Examples.
      outputs: the outputs.
      examples: the name of the input of tf.Examples; None if the inputs are columns.
      columns: the columns of the tf.Examples; None if the model does not report them.
    """

    name: str
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    examples: str | None = None
    columns: Mapping[str, Tensor] | None = None


def choose(definitions: Mapping[str, Any], name: str | None, model: str) -> Signature:
    """Returns one signature of a model.

    Args:
      definitions: the model's SignatureDefs by name.
      name: the name of the wanted signature; None is `columns`, or `serving_default` where the
        model has no `columns`.
      model: the model's name, for error messages.

    Raises:
      ConfigError: there is no such signature, or its inputs are not columns.
    """
    if name is None:
        name = SERVING_DEFAULT if COLUMNS not in definitions else COLUMNS
    if name not in definitions:
        hint = did_you_mean(name, sorted(definitions))
        raise ConfigError(Problem("signature", f"model {model} has no {name!r}", hint))
    definition = definitions[name]
    signature = Signature(name, _tensors(definition.inputs), _tensors(definition.outputs))
    if name != COLUMNS and _takes_examples(definition):
        columns = _tensors(definitions[COLUMNS].inputs) if COLUMNS in definitions else None
        (examples,) = signature.inputs
        return dataclasses.replace(signature, examples=examples, columns=columns)
    for column, tensor in signature.inputs.items():
        shape = definition.inputs[column].tensor_shape
        if len(shape.dim) > 2 or tensor.width not in (None, 1, LIST):
            sizes = [dim.size for dim in shape.dim]
            message = f"input {column!r} of {name!r} is not a column: its shape is {sizes}"
            raise ConfigError(Problem("signature", message))
    return signature


def _takes_examples(definition: Any) -> bool:
    """Whether the only input is serialized tf.Examples, by TensorFlow's conventions."""
    inputs = dict(definition.inputs)
    if len(inputs) != 1:
        return False
    name, info = next(iter(inputs.items()))
    is_text = info.dtype == tensors.STRING and len(info.tensor_shape.dim) <= 1
    return is_text and (name == _EXAMPLES or definition.method_name in _EXAMPLES_METHODS)


def _tensors(infos: Mapping[str, Any]) -> dict[str, Tensor]:
    found = {}
    for name, info in sorted(infos.items()):
        dims = info.tensor_shape.dim
        found[name] = Tensor(info.dtype, dims[1].size if len(dims) == 2 else None)
    return found
