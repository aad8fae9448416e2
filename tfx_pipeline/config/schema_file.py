"""Reading a schema in protobuf text format, without TensorFlow."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING

from tfx_pipeline.config.treatment import SchemaColumn
from tfx_pipeline.errors import PipelineError

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2

SERVING = "SERVING"
"""The environment of data that has no label."""


class SchemaError(PipelineError):
    """A schema that cannot be parsed; its text contains the line and the reason."""


@dataclasses.dataclass(frozen=True)
class SchemaSummary:
    """What the checks before a run need of a schema.

    Attributes:
      types: each feature's type: BYTES, INT, FLOAT, or TYPE_UNKNOWN.
      ranges: lowest and highest value of the integer features whose domain has both ends.
      served: features expected in prediction requests.
    """

    types: dict[str, str]
    ranges: dict[str, tuple[int, int]]
    served: frozenset[str]

    def column(self, name: str) -> SchemaColumn:
        """What the schema says about one of its features."""
        return SchemaColumn(name, self.types[name], self.ranges.get(name))


def read_schema(path: str | pathlib.Path) -> schema_pb2.Schema:
    """Reads a schema from a local file.

    Raises:
      SchemaError: the file is not a schema, or describes no feature.
      OSError: the file cannot be read.
    """
    try:
        return parse_schema(pathlib.Path(path).read_bytes())
    except SchemaError as error:
        raise SchemaError(f"{path} {error}") from error


def parse_schema(text: str | bytes) -> schema_pb2.Schema:
    """Parses a schema.

    Raises:
      SchemaError: not a schema, or one that describes no feature.
    """
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    try:
        schema = text_format.Parse(text, schema_pb2.Schema())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise SchemaError(f"does not parse: {error}") from error
    if not schema.feature:
        raise SchemaError("describes no feature")
    return schema


def summarise(schema: schema_pb2.Schema) -> SchemaSummary:
    """Reads types, domains and environments of a schema's features."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    types, ranges, served = {}, {}, set()
    for feature in schema.feature:
        types[feature.name] = schema_pb2.FeatureType.Name(feature.type)
        if feature.int_domain.HasField("min") and feature.int_domain.HasField("max"):
            ranges[feature.name] = feature.int_domain.min, feature.int_domain.max
        if feature.in_environment:
            is_served = SERVING in feature.in_environment
        else:
            is_served = SERVING in schema.default_environment
            is_served = is_served and SERVING not in feature.not_in_environment
        if is_served:
            served.add(feature.name)
    return SchemaSummary(types, ranges, frozenset(served))
