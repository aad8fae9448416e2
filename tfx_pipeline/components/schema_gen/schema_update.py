"""What a schema must say so that data conforms to it: TFDV's own update, column by column."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.dsl.io import fileio


@dataclasses.dataclass(frozen=True)
class Change:
    """A column that the data would change.

    Attributes:
      column: its name.
      kind: changed, new or missing.
      before: what of its description in the schema would change.
      after: what that would become.
    """

    column: str
    kind: str
    before: str
    after: str


def read_statistics(uri: str) -> list[statistics_pb2.DatasetFeatureStatisticsList]:
    """The statistics of all splits of an artifact of StatisticsGen."""
    found = []
    for path in sorted(fileio.glob(f"{uri}/Split-*/FeatureStats.pb")):
        with fileio.open(path, "rb") as file:
            found.append(statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read()))
    return found


def updated(
    schema: schema_pb2.Schema, statistics: Iterable[statistics_pb2.DatasetFeatureStatisticsList]
) -> schema_pb2.Schema:
    """The schema changed by TFDV so that all splits conform to it."""
    for split in statistics:
        schema = tfdv.update_schema(schema, split)
    return schema


def changes(before: schema_pb2.Schema, after: schema_pb2.Schema) -> list[Change]:
    """The columns that differ."""
    old = {feature.name: feature for feature in before.feature}
    found = []
    for feature in after.feature:
        was, now = _parts(before, old.get(feature.name)), _parts(after, feature)
        if was != now:
            kind = "changed" if feature.name in old else "new"
            if feature.lifecycle_stage == schema_pb2.DEPRECATED or feature.deprecated:
                kind = "missing"
            texts = [
                " ".join(text for name, text in mine.items() if other.get(name) != text)
                for mine, other in ((was, now), (now, was))
            ]
            found.append(Change(feature.name, kind, *texts))
    return found


def _parts(schema: schema_pb2.Schema, feature: schema_pb2.Feature | None) -> dict[str, str]:
    """The fields of a feature and the values of its domain, each on one line."""
    if feature is None:
        return {}
    found = {}
    for field, _ in feature.ListFields():
        if field.name != "name":
            single = schema_pb2.Feature()
            single.CopyFrom(feature)
            for other, _ in feature.ListFields():
                if other.name != field.name:
                    single.ClearField(other.name)
            found[field.name] = text_format.MessageToString(
                single, as_one_line=True, as_utf8=True
            ).strip()
    if domain := _domain(schema, feature):
        found["values"] = f"values: {', '.join(domain.value)}"
    return found


def _domain(
    schema: schema_pb2.Schema, feature: schema_pb2.Feature
) -> schema_pb2.StringDomain | None:
    return next((d for d in schema.string_domain if feature.domain == d.name), None)


def accept(
    before: schema_pb2.Schema, after: schema_pb2.Schema, columns: Collection[str]
) -> schema_pb2.Schema:
    """The schema with the features of some columns, and their domains, as they are in `after`."""
    result = schema_pb2.Schema()
    result.CopyFrom(before)
    for feature in after.feature:
        if feature.name not in columns:
            continue
        place = next((f for f in result.feature if f.name == feature.name), None)
        (result.feature.add() if place is None else place).CopyFrom(feature)
        if domain := _domain(after, feature):
            known = next((d for d in result.string_domain if d.name == domain.name), None)
            (result.string_domain.add() if known is None else known).CopyFrom(domain)
    return result
