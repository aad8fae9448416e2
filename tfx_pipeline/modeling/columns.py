"""Raw columns as the schema declares them, and how their tensors are read.

The schema is the one place that knows a column's type, domain and presence.
Everything here works the same on the tensors of Transform, of parsed
tf.Examples and of the `columns` signature.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import schema_utils

from tfx_pipeline.errors import ConfigError, Problem, did_you_mean
from tfx_pipeline.modeling.batch_cache import RawBatch

MISSING_INT = tf.int64.min
"""Stands for an absent integer where a dense tensor must hold something."""

_MISSING = {tf.string: "", tf.float32: float("nan"), tf.int64: MISSING_INT}


@dataclasses.dataclass(frozen=True)
class Column:
    """One raw column.

    Attributes:
      name: the column's name.
      dtype: tf.string, tf.int64 or tf.float32, as tf.Examples hold it.
      required: whether the schema asks for a value in every row.
      int_range: the schema's int_domain, if it has one.
      values: the schema's string_domain, if it has one.
      fixed: the shape of a fixed-length column; None where values may be absent.
    """

    name: str
    dtype: tf.DType
    required: bool = False
    int_range: tuple[int, int] | None = None
    values: tuple[str, ...] = ()
    fixed: tuple[int, ...] | None = None

    def raw_spec(self) -> tf.TensorSpec:
        """What the `columns` signature takes: [batch] or [batch, 1]."""
        optional_int = self.dtype == tf.int64 and not self.required
        return tf.TensorSpec(None, tf.float32 if optional_int else self.dtype, name=self.name)

    def parse_spec(self) -> Any:
        """How the column is read from a tf.Example; an absent value is no error."""
        if self.fixed is None:
            return tf.io.VarLenFeature(self.dtype)
        return tf.io.FixedLenFeature(self.fixed, self.dtype, default_value=_MISSING[self.dtype])

    def tensor_spec(self) -> Any:
        """The type of what `parse_spec` and `from_column` give for a batch."""
        if self.fixed is None:
            return tf.SparseTensorSpec([None, None], self.dtype)
        return tf.TensorSpec([None, *self.fixed], self.dtype)

    def from_column(self, values: tf.Tensor) -> Any:
        """Turns an input of the `columns` signature into what a parsed tf.Example gives."""
        values = tf.reshape(values, [-1, 1])
        present = _is_present(values)
        if self.fixed is not None:
            missing = tf.constant(_MISSING[self.dtype], self.dtype)
            values = tf.where(present, self._typed(values), missing)
            return tf.reshape(values, [-1, *self.fixed])
        indices = tf.where(present)
        found = self._typed(tf.gather_nd(values, indices))
        return tf.SparseTensor(indices, found, tf.shape(values, tf.int64))

    def _typed(self, values: tf.Tensor) -> tf.Tensor:
        """Integers that were sent as floats because they may be missing."""
        if values.dtype == self.dtype:
            return values
        return tf.cast(tf.clip_by_value(values, -(2.0**62), 2.0**62), tf.int64)

    def present(self, inputs: Mapping[str, Any]) -> tf.Tensor:
        """bool [batch]: where there is a value that is not empty, infinite or NaN."""
        batch = RawBatch.of(inputs)
        return batch.once(self.name, "present", lambda: _is_present(self._first(batch)))

    def numbers(self, inputs: Mapping[str, Any], missing: Any = float("nan")) -> tf.Tensor:
        """The column as float64 [batch]; `missing` where it is not present."""
        batch = RawBatch.of(inputs)
        values = batch.once(self.name, "float64", lambda: tf.cast(self._first(batch), tf.float64))
        if isinstance(missing, float):
            missing = batch.constant(missing, tf.float64)
        return tf.where(self.present(batch), values, missing)

    def strings(self, inputs: Mapping[str, Any], missing: str = "") -> tf.Tensor:
        """The column as string [batch]; `missing` where it is not present."""
        batch = RawBatch.of(inputs)
        values = self._first(batch)
        if values.dtype != tf.string:
            values = tf.strings.as_string(values)
        elif not missing:
            return values
        return tf.where(self.present(batch), values, missing)

    def _first(self, batch: RawBatch) -> tf.Tensor:
        return batch.once(self.name, "first", lambda: _first_value(batch[self.name], batch))


def parse_schema(text: str) -> schema_pb2.Schema:
    """Parses a schema in text format.

    Raises:
      ConfigError: if it is no schema.
    """
    try:
        return text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        raise ConfigError(Problem("schema", f"cannot be read: {error}")) from error


def column(schema: schema_pb2.Schema, name: str, where: str) -> Column:
    """Returns the column `name` of the schema; `where` is the config key that names it.

    Raises:
      ConfigError: if the schema has no such column, or one of a kind that is not supported.
    """
    declared = {feature.name: feature for feature in schema.feature}
    if name not in declared:
        raise ConfigError(
            Problem(where, f"{name!r} is no column of the schema", did_you_mean(name, declared))
        )
    feature = declared[name]
    return Column(
        name=name,
        dtype=_dtype(feature, where),
        required=feature.presence.min_fraction >= 1.0,
        int_range=_int_range(feature),
        values=_string_values(schema, feature),
        fixed=_fixed_shape(schema, name, where),
    )


def _dtype(feature: schema_pb2.Feature, where: str) -> tf.DType:
    known = {schema_pb2.BYTES: tf.string, schema_pb2.INT: tf.int64, schema_pb2.FLOAT: tf.float32}
    if feature.type not in known:
        kind = schema_pb2.FeatureType.Name(feature.type)
        raise ConfigError(Problem(where, f"has type {kind} in the schema; use BYTES, INT or FLOAT"))
    return known[feature.type]


def _int_range(feature: schema_pb2.Feature) -> tuple[int, int] | None:
    domain = feature.int_domain
    if not (feature.HasField("int_domain") and domain.HasField("min") and domain.HasField("max")):
        return None
    return domain.min, domain.max


def _string_values(schema: schema_pb2.Schema, feature: schema_pb2.Feature) -> tuple[str, ...]:
    if feature.HasField("string_domain"):
        return tuple(feature.string_domain.value)
    shared = {domain.name: tuple(domain.value) for domain in schema.string_domain}
    return shared.get(feature.domain, ())


@functools.lru_cache(maxsize=1)
def _feature_spec(schema: bytes) -> dict[str, Any]:
    # Each column is asked for by itself, and the answer takes a while for a wide schema.
    parsed = schema_pb2.Schema.FromString(schema)
    return schema_utils.schema_as_feature_spec(parsed).feature_spec


def _fixed_shape(schema: schema_pb2.Schema, name: str, where: str) -> tuple[int, ...] | None:
    spec = _feature_spec(schema.SerializeToString(deterministic=True))[name]
    if isinstance(spec, tf.io.VarLenFeature):
        return None
    shape = tuple(getattr(spec, "shape", (-1,)))
    if shape not in ((), (1,)):
        raise ConfigError(
            Problem(where, f"has shape {shape} in the schema; one value a row is read")
        )
    return shape


def _is_present(values: tf.Tensor) -> tf.Tensor:
    if values.dtype == tf.string:
        return tf.not_equal(values, "")
    if values.dtype == tf.int64:
        return tf.not_equal(values, MISSING_INT)
    return tf.math.is_finite(values)


def _first_value(values: Any, batch: RawBatch) -> tf.Tensor:
    """[batch] from what Transform and tf.io.parse_example give; further values are ignored."""
    if isinstance(values, tf.RaggedTensor):
        values = values.to_sparse()
    if not isinstance(values, tf.SparseTensor):
        return tf.reshape(values, [-1])
    # A batch without any value is 0 wide.
    shape = tf.maximum(values.dense_shape, batch.constant((0, 1), tf.int64))
    missing = batch.constant(_MISSING[values.dtype], values.dtype)
    dense = tf.sparse.to_dense(tf.SparseTensor(values.indices, values.values, shape), missing)
    return tf.gather(dense, batch.constant(0, tf.int32), axis=batch.constant(1, tf.int32))
