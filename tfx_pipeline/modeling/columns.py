"""Raw columns: their types from the schema, and how their tensors are read.

The type, domain and presence of a column come from the schema and from nowhere
else. The functions work in the same way on the tensors of Transform, of parsed
tf.Examples and of the `columns` signature.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import schema_utils

from tfx_pipeline.config.columns import ColumnType
from tfx_pipeline.errors import ConfigError, Problem, did_you_mean
from tfx_pipeline.modeling.batch_cache import CachedBatch

MISSING_INT = tf.int64.min
"""Marks a missing integer in a dense tensor, as "" marks a missing string and NaN a number."""

MISSING_BOOLEAN = -1
"""Marks a missing boolean in the int8 input of the `columns` signature."""

_FLOAT32_DIGITS = 9
"""As many digits as distinguish all float32 numbers."""

_DTYPES = {schema_pb2.BYTES: tf.string, schema_pb2.INT: tf.int64, schema_pb2.FLOAT: tf.float32}
_MISSING = {tf.string: "", tf.float32: float("nan"), tf.int64: MISSING_INT}


@dataclasses.dataclass(frozen=True)
class Column:
    """One raw column.

    Attributes:
      name: the column's name.
      dtype: tf.string, tf.int64 or tf.float32, the type in tf.Examples.
      required: whether the schema requires a value in every row.
      int_range: lowest and highest value of the schema's int_domain, if it has one.
      values: the values of the schema's string_domain, if it has one.
      fixed_shape: the shape of a fixed-length column; None where values may be missing.
      declared: its type in `columns:`, if it is there.
      is_list: whether a row may have several values.
    """

    name: str
    dtype: tf.DType
    required: bool = False
    int_range: tuple[int, int] | None = None
    values: tuple[str, ...] = ()
    fixed_shape: tuple[int, ...] | None = None
    declared: ColumnType | None = None
    is_list: bool = False

    def serving_spec(self) -> tf.TensorSpec:
        """The column's input of the `columns` signature.

        Of shape [batch] or [batch, 1]; a list has [batch, n], filled up with missing values.
        An integer that may be missing is a float64, which holds every integer up to 2^53. A
        boolean is a bool; one that may be missing is an int8, and -1 where it is.
        """
        if self.is_list:
            return tf.TensorSpec([None, None], self._optional(tf.float64), name=self.name)
        if self.declared is not None and self.declared.type == "boolean":
            dtype = tf.bool if self.required else tf.int8
            return tf.TensorSpec(None, dtype, name=self.name)
        dtype = self.dtype if self.required else self._optional(tf.float64)
        return tf.TensorSpec(None, dtype, name=self.name)

    def _optional(self, of_integers: tf.DType) -> tf.DType:
        """The type of a value that may be missing."""
        return of_integers if self.dtype == tf.int64 else self.dtype

    def feature_spec(self) -> Any:
        """How tf.io.parse_example reads the column; a missing value is not an error."""
        if self.fixed_shape is None or self.is_list:
            return tf.io.VarLenFeature(self.dtype)
        missing = np.full(self.fixed_shape, _MISSING[self.dtype]).tolist()
        return tf.io.FixedLenFeature(self.fixed_shape, self.dtype, default_value=missing)

    def from_parsed(self, values: Any) -> Any:
        """What tf.io.parse_example has read, as Transform's graph takes it.

        A list of a fixed length may have fewer or more values in a request.
        """
        if self.fixed_shape is None or not self.is_list:
            return values
        missing = tf.constant(_MISSING[self.dtype], self.dtype)
        return self._of_fixed_shape(tf.sparse.to_dense(values, missing), missing)

    def type_spec(self) -> Any:
        """The type of a batch as `from_parsed` and `from_serving_input` give it."""
        if self.fixed_shape is None:
            return tf.SparseTensorSpec([None, None], self.dtype)
        return tf.TensorSpec([None, *self.fixed_shape], self.dtype)

    def from_serving_input(self, values: tf.Tensor) -> Any:
        """Converts an input of the `columns` signature to what a parsed tf.Example gives."""
        if not self.is_list:
            values = tf.reshape(values, [-1, 1])
        present = _is_present(values)
        if self.fixed_shape is not None:
            missing = tf.constant(_MISSING[self.dtype], self.dtype)
            values = tf.where(present, self._cast(values), missing)
            return self._of_fixed_shape(values, missing)
        indices = tf.where(present)
        found = self._cast(tf.gather_nd(values, indices))
        return tf.SparseTensor(indices, found, tf.shape(values, tf.int64))

    def _of_fixed_shape(self, values: tf.Tensor, missing: tf.Tensor) -> tf.Tensor:
        """[batch, n] cut or filled up to the fixed shape."""
        shape = self.fixed_shape or ()
        if not self.is_list:
            return tf.reshape(values, [-1, *shape])
        values = values[:, : shape[0]]
        short = shape[0] - tf.shape(values)[1]  # 0 or more, because it was cut
        filled = tf.pad(values, [[0, 0], [0, short]], constant_values=missing)
        return tf.ensure_shape(filled, [None, *shape])

    def _cast(self, values: tf.Tensor) -> tf.Tensor:
        """Integers from floats and booleans: one that may be missing is sent as a float."""
        if values.dtype == self.dtype:
            return values
        if not values.dtype.is_floating:
            return tf.cast(values, self.dtype)
        return tf.cast(tf.clip_by_value(values, -(2.0**62), 2.0**62), tf.int64)

    def lists(self, inputs: Mapping[str, Any]) -> tf.RaggedTensor:
        """All values of each row as ragged strings [batch, n], without missing ones."""
        values = inputs[self.name]
        if isinstance(values, tf.SparseTensor):
            values = tf.RaggedTensor.from_sparse(values)
        elif not isinstance(values, tf.RaggedTensor):
            rows = tf.shape(values)[0] if values.shape.rank else tf.size(values)
            values = tf.RaggedTensor.from_tensor(tf.reshape(values, [rows, -1]))
        present = values.with_values(_is_present(values.values))
        values = tf.ragged.boolean_mask(values, present)
        texts = values.values
        return values.with_values(
            texts if texts.dtype == tf.string else tf.strings.as_string(texts)
        )

    def present(self, inputs: Mapping[str, Any]) -> tf.Tensor:
        """bool [batch]: whether there is a value that is not empty, infinite or NaN."""
        batch = CachedBatch.wrap(inputs)
        return batch.cached(self.name, "present", lambda: _is_present(self._first(batch)))

    def numbers(self, inputs: Mapping[str, Any], missing: Any = float("nan")) -> tf.Tensor:
        """The column as float64 [batch]; `missing` where it is not present."""
        batch = CachedBatch.wrap(inputs)
        values = batch.cached(self.name, "float64", lambda: tf.cast(self._first(batch), tf.float64))
        if isinstance(missing, float):
            missing = batch.constant(missing, tf.float64)
        return tf.where(self.present(batch), values, missing)

    def integers(self, inputs: Mapping[str, Any], missing: Any = None) -> tf.Tensor:
        """A column of integers as int64 [batch]; `missing` or MISSING_INT where none is present."""
        batch = CachedBatch.wrap(inputs)
        values = self._first(batch)
        return values if missing is None else tf.where(self.present(batch), values, missing)

    def strings(self, inputs: Mapping[str, Any], missing: str = "") -> tf.Tensor:
        """The column as string [batch]; `missing` where it is not present.

        Of floats, different ones have different texts, for example "0.5" and "1.00000001e-07".
        """
        batch = CachedBatch.wrap(inputs)
        values = self._first(batch)
        if values.dtype == tf.float32:
            values = tf.where(tf.equal(values, 0.0), 0.0, values)  # not -0
            values = tf.strings.as_string(values, precision=_FLOAT32_DIGITS, shortest=True)
        elif values.dtype != tf.string:
            values = tf.strings.as_string(values)
        elif not missing:
            return values
        return tf.where(self.present(batch), values, missing)

    def _first(self, batch: CachedBatch) -> tf.Tensor:
        """The first value of each row, [batch]."""
        return batch.cached(self.name, "first", lambda: _first_value(batch[self.name], batch))


def parse_schema(text: str) -> schema_pb2.Schema:
    """Parses a schema in text format.

    Raises:
      ConfigError: if the text is not a schema.
    """
    try:
        return text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        raise ConfigError(Problem("schema", f"cannot be read: {error}")) from error


def column(
    schema: schema_pb2.Schema,
    name: str,
    where: str,
    declared: ColumnType | None = None,
    is_list: bool = False,
) -> Column:
    """Returns the column `name` of the schema.

    Args:
      schema: the schema of the raw data.
      name: the column's name.
      where: the key of the configuration that names the column, for messages.
      declared: the column's type in `columns:`.
      is_list: whether a row may have several values.

    Raises:
      ConfigError: the schema has no such column, or its type or shape is not supported.
    """
    features = {feature.name: feature for feature in schema.feature}
    if name not in features:
        raise ConfigError(
            Problem(where, f"{name!r} is not a column of the schema", did_you_mean(name, features))
        )
    feature = features[name]
    if feature.type not in _DTYPES:
        kind = schema_pb2.FeatureType.Name(feature.type)
        raise ConfigError(Problem(where, f"has type {kind} in the schema; use BYTES, INT or FLOAT"))
    domain = feature.int_domain
    bounded = feature.HasField("int_domain") and domain.HasField("min") and domain.HasField("max")
    return Column(
        name=name,
        dtype=_DTYPES[feature.type],
        required=feature.presence.min_fraction >= 1.0,
        int_range=(domain.min, domain.max) if bounded else None,
        values=_string_domain(schema, feature),
        fixed_shape=_fixed_shape(schema, name, where, is_list),
        declared=declared,
        is_list=is_list,
    )


def _string_domain(schema: schema_pb2.Schema, feature: schema_pb2.Feature) -> tuple[str, ...]:
    """The values of the feature's own domain, or of the schema's domain that it names."""
    if feature.HasField("string_domain"):
        return tuple(feature.string_domain.value)
    shared = {domain.name: tuple(domain.value) for domain in schema.string_domain}
    return shared.get(feature.domain, ())


@functools.lru_cache(maxsize=1)
def _feature_spec(schema: bytes) -> dict[str, Any]:
    # Cached, because it is needed for each column, and takes long for a wide schema.
    parsed = schema_pb2.Schema.FromString(schema)
    return schema_utils.schema_as_feature_spec(parsed).feature_spec


def _fixed_shape(
    schema: schema_pb2.Schema, name: str, where: str, is_list: bool
) -> tuple[int, ...] | None:
    spec = _feature_spec(schema.SerializeToString(deterministic=True))[name]
    if isinstance(spec, tf.io.VarLenFeature):
        return None
    if is_list and isinstance(spec, tf.io.RaggedFeature):
        return None
    shape = tuple(getattr(spec, "shape", (-1,)))
    if is_list and len(shape) == 1 and shape[0] > 0:
        return shape
    if shape not in ((), (1,)):
        raise ConfigError(
            Problem(where, f"has shape {shape} in the schema; only one value per row is supported")
        )
    return shape


def _is_present(values: tf.Tensor) -> tf.Tensor:
    if values.dtype == tf.string:
        return tf.not_equal(values, "")
    if values.dtype == tf.bool:
        return tf.ones_like(values)
    if values.dtype == tf.int8:
        return tf.not_equal(values, MISSING_BOOLEAN)
    if values.dtype == tf.int64:
        return tf.not_equal(values, MISSING_INT)
    return tf.math.is_finite(values)


def _first_value(values: Any, batch: CachedBatch) -> tf.Tensor:
    """[batch] from a tensor of Transform or tf.io.parse_example; further values are ignored."""
    if isinstance(values, tf.RaggedTensor):
        values = values.to_sparse()
    if not isinstance(values, tf.SparseTensor):
        return tf.reshape(values, [-1])
    # A batch without any value has width 0.
    shape = tf.maximum(values.dense_shape, batch.constant((0, 1), tf.int64))
    missing = batch.constant(_MISSING[values.dtype], values.dtype)
    dense = tf.sparse.to_dense(tf.SparseTensor(values.indices, values.values, shape), missing)
    return tf.gather(dense, batch.constant(0, tf.int32), axis=batch.constant(1, tf.int32))
