"""The raw columns of one batch, each converted once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tensorflow as tf


class RawBatch(Mapping[str, Any]):
    """The raw columns of a batch, as a mapping that remembers what was made of them.

    Building, importing and saving a graph takes time for each operation in it,
    so that nothing should be in it twice.

    Args:
      inputs: dense, sparse or ragged tensors by column.
    """

    def __init__(self, inputs: Mapping[str, Any]):
        self._inputs = inputs
        self._made: dict[Any, tf.Tensor] = {}

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> RawBatch:
        """The inputs themselves where they are one already."""
        return inputs if isinstance(inputs, cls) else cls(inputs)

    def __getitem__(self, name: str) -> Any:
        return self._inputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._inputs)

    def __len__(self) -> int:
        return len(self._inputs)

    def once(self, name: str, form: str, make: Callable[[], tf.Tensor]) -> tf.Tensor:
        """The `form` of a column: what `make` returned when it was first asked for."""
        return self._remembered((name, form), make)

    def constant(self, value: Any, dtype: tf.DType) -> tf.Tensor:
        """A constant; the same tensor for the same value."""
        return self._remembered((repr(value), dtype), lambda: tf.constant(value, dtype))

    def _remembered(self, key: Any, make: Callable[[], tf.Tensor]) -> tf.Tensor:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]
