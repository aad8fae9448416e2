"""What the gates found about the data: anomalies, drift and skew, and the schema."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from tfx_pipeline.errors import first_of
from tfx_pipeline.report import file_names
from tfx_pipeline.report.run_facts import RunFacts


@dataclasses.dataclass(frozen=True)
class Anomaly:
    """An anomaly of TFDV: a column against the schema."""

    column: str
    split: str
    short: str
    text: str


def anomalies(facts: RunFacts) -> list[Anomaly]:
    """The anomalies of all splits."""
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    artifact = facts.artifact("ExampleAnomalies")
    found = []
    for split in artifact.splits if artifact else []:
        content = artifact.file(f"Split-{split}", "SchemaDiff.pb") if artifact else None
        parsed = anomalies_pb2.Anomalies.FromString(content or b"")
        for column, info in sorted(parsed.anomaly_info.items()):
            found.append(Anomaly(column, split, info.short_description, info.description))
    return found


@dataclasses.dataclass(frozen=True)
class Group:
    """A group of the gate `bias`: its rows, and its labels.

    Attributes:
      share: of all rows of the training split.
      labels: the share of each class, or the mean, as a text.
    """

    column: str
    name: str
    rows: int
    share: float
    labels: str


def groups(facts: RunFacts) -> list[Group]:
    """The groups of the gate `bias`; empty without it."""
    return [
        Group(row["feature"], str(row["group"]), row["rows"], row["share"], _labels(row))
        for row in _document(facts).get("groups", [])
    ]


def _labels(row: dict[str, Any]) -> str:
    if row.get("mean") is not None:
        return f"mean {row['mean']:.4g}"
    rates = sorted(row.get("rates", {}).items(), key=lambda item: -item[1])
    return first_of([f"{name}: {100 * rate:.3g} %" for name, rate in rates], 5)


def _document(facts: RunFacts) -> dict[str, Any]:
    artifact = facts.artifact("ExampleAnomalies")
    return artifact.document(file_names.DATA_CHECKS) if artifact else {}


def checks(facts: RunFacts) -> list[dict[str, Any]]:
    """The checks of the gates, changed ones first; empty without gates."""
    found = _document(facts).get("checks", [])
    order = {"changed": 0, "too few rows": 1}
    return sorted(
        found, key=lambda check: (order.get(check.get("state"), 2), -check.get("effect", 0))
    )


def remarks(found: list[Anomaly], checked: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What is to be said about a column, by column."""
    result: dict[str, list[str]] = {}
    for anomaly in found:
        texts = result.setdefault(anomaly.column, [])
        if anomaly.short not in texts:
            texts.append(anomaly.short)
    for check in checked:
        if check.get("state") == "changed" and check.get("feature"):
            texts = result.setdefault(check["feature"], [])
            texts.append(f"{check['gate']}: {check['check']}")
    return result


@dataclasses.dataclass(frozen=True)
class SchemaRow:
    """A column of the schema."""

    name: str
    type: str
    presence: str
    domain: str


def schema(facts: RunFacts) -> list[SchemaRow]:
    """The schema that the data was checked against; empty if there is none."""
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    artifact = facts.artifact("Schema", "ImportSchemaGen") or facts.artifact("Schema")
    content = artifact.file("schema.pbtxt") if artifact else None
    if not content:
        return []
    try:
        parsed = text_format.Parse(content, schema_pb2.Schema())
    except text_format.ParseError:
        return []
    domains = {domain.name: list(domain.value) for domain in parsed.string_domain}
    return [
        SchemaRow(
            feature.name,
            schema_pb2.FeatureType.Name(feature.type).lower(),
            f"in at least {feature.presence.min_fraction:g} of the rows"
            if feature.presence.min_fraction
            else "may be missing",
            _domain(feature, domains),
        )
        for feature in parsed.feature
    ]


def _domain(feature: Any, domains: dict[str, list[str]]) -> str:
    which = feature.WhichOneof("domain_info")
    if which == "domain":
        return _listed(domains.get(feature.domain, []))
    if which == "string_domain":
        return _listed(list(feature.string_domain.value))
    if which in ("int_domain", "float_domain"):
        domain = getattr(feature, which)
        ends = [f"{domain.min:g}" if domain.HasField("min") else "", "to"]
        ends += [f"{domain.max:g}" if domain.HasField("max") else ""]
        return " ".join(filter(None, ends)) if ends[0] or ends[2] else ""
    return ""


def _listed(values: list[str]) -> str:
    return first_of([json.dumps(value, ensure_ascii=False) for value in values], 8)
