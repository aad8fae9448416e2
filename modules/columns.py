"""Raw columns as the schema declares them, and how their tensors are read.

The schema is the one place that knows a column's type, domain and presence.
Everything here works the same on the tensors of Transform, of parsed
tf.Examples and of the `columns` signature.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import schema_utils

from tfx_pipeline.errors import ConfigError, Problem, did_you_mean

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
        values = tf.reshape(values, [-1])
        present = _is_present(values)
        if self.dtype == tf.int64 and values.dtype != tf.int64:
            values = tf.where(present, values, tf.zeros_like(values))
            values = tf.cast(tf.clip_by_value(values, -(2.0**62), 2.0**62), tf.int64)
        if self.fixed is not None:
            missing = tf.constant(_MISSING[self.dtype], self.dtype)
            return tf.reshape(tf.where(present, values, missing), [-1, *self.fixed])
        rows = tf.where(present)
        indices = tf.concat([rows, tf.zeros_like(rows)], axis=1)
        shape = tf.stack([tf.size(values, tf.int64), 1])
        return tf.SparseTensor(indices, tf.boolean_mask(values, present), shape)

    def numbers(self, inputs: dict[str, Any]) -> tf.Tensor:
        """The column as float64 [batch]; NaN where it is missing, infinite or no number."""
        values = _first_value(inputs[self.name])
        present = _is_present(values)
        values = tf.cast(values, tf.float64)
        return tf.where(present, values, tf.constant(float("nan"), tf.float64))

    def strings(self, inputs: dict[str, Any]) -> tf.Tensor:
        """The column as string [batch]; empty where it is missing."""
        values = _first_value(inputs[self.name])
        if values.dtype == tf.string:
            return values
        return tf.where(_is_present(values), tf.strings.as_string(values), "")


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


def _fixed_shape(schema: schema_pb2.Schema, name: str, where: str) -> tuple[int, ...] | None:
    spec = schema_utils.schema_as_feature_spec(schema).feature_spec[name]
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


def _first_value(values: Any) -> tf.Tensor:
    """[batch] from what Transform and tf.io.parse_example give; further values are ignored."""
    if isinstance(values, tf.RaggedTensor):
        values = values.to_sparse()
    if isinstance(values, tf.SparseTensor):
        batch, width = values.dense_shape[0], tf.maximum(values.dense_shape[1], 1)
        missing = tf.constant(_MISSING[values.dtype], values.dtype)
        dense = tf.sparse.to_dense(
            tf.SparseTensor(values.indices, values.values, tf.stack([batch, width])), missing
        )
        return dense[:, 0]
    return tf.reshape(values, [-1])
