"""Reading a schema in protobuf text form, without TensorFlow."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2

TEXT, WHOLE, NUMBER = "BYTES", "INT", "FLOAT"
"""The types of features, as the schema names them."""

SERVING = "SERVING"
"""The environment of data that has no label."""


class SchemaUnreadable(Exception):
    """A schema file that does not parse; its text says where and why."""


@dataclasses.dataclass(frozen=True)
class SchemaFile:
    """What a schema says of its features.

    Attributes:
      types: each feature's type: BYTES, INT, FLOAT, or TYPE_UNKNOWN.
      bounded: integer features whose domain has both ends.
      served: features expected in data to predict for.
    """

    types: dict[str, str]
    bounded: frozenset[str]
    served: frozenset[str]


def read(path: str) -> SchemaFile:
    """Reads a schema.

    Raises:
      SchemaUnreadable: the file does not parse or says nothing.
      OSError: the file cannot be read.
    """
    schema = parse_schema(pathlib.Path(path).read_bytes())
    from tensorflow_metadata.proto.v0 import schema_pb2

    name_of = schema_pb2.FeatureType.Name
    return SchemaFile(
        types={feature.name: name_of(feature.type) for feature in schema.feature},
        bounded=frozenset(f.name for f in schema.feature if _is_bounded(f)),
        served=frozenset(f.name for f in schema.feature if _is_served(f, schema)),
    )


def parse_schema(text: str | bytes) -> schema_pb2.Schema:
    """Parses a schema's text.

    Raises:
      SchemaUnreadable: not a schema, or one without a feature.
    """
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    try:
        schema = text_format.Parse(text, schema_pb2.Schema())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise SchemaUnreadable(f"does not parse: {error}") from error
    if not schema.feature:
        raise SchemaUnreadable("describes no feature")
    return schema


def _is_bounded(feature: schema_pb2.Feature) -> bool:
    domain = feature.int_domain
    return domain.HasField("min") and domain.HasField("max")


def _is_served(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> bool:
    if feature.in_environment:
        return SERVING in feature.in_environment
    return SERVING in schema.default_environment and SERVING not in feature.not_in_environment
