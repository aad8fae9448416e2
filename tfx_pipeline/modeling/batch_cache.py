"""The raw columns of one batch, with a cache of the tensors computed from them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import tensorflow as tf


class CachedBatch(Mapping[str, Any]):
    """The raw columns of a batch, as a mapping that also caches tensors made from them.

    To build, import and save a graph takes time for each operation in it. With
    the cache, no operation is in the graph twice.

    Args:
      inputs: dense, sparse or ragged tensors by column.
    """

    def __init__(self, inputs: Mapping[str, Any]):
        self._inputs = inputs
        self._cache: dict[Hashable, tf.Tensor] = {}

    @classmethod
    def wrap(cls, inputs: Mapping[str, Any]) -> CachedBatch:
        """Returns the inputs as a CachedBatch; unchanged if they already are one."""
        return inputs if isinstance(inputs, cls) else cls(inputs)

    def __getitem__(self, name: str) -> Any:
        return self._inputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._inputs)

    def __len__(self) -> int:
        return len(self._inputs)

    def cached(self, name: str, form: str, create: Callable[[], tf.Tensor]) -> tf.Tensor:
        """The column `name` in the given form, for example "float64"; created on first use."""
        return self._get_or_create((name, form), create)

    def constant(self, value: Any, dtype: tf.DType) -> tf.Tensor:
        """A constant; the same tensor for the same value."""
        return self._get_or_create((repr(value), dtype), lambda: tf.constant(value, dtype))

    def _get_or_create(self, key: Hashable, create: Callable[[], tf.Tensor]) -> tf.Tensor:
        if key not in self._cache:
            self._cache[key] = create()
        return self._cache[key]
