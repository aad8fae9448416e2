"""DataGate's executor: turns anomalies and statistics into findings; refuses or warns."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils
from tfx.utils import io_utils

from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.common.executor_outcome import completed_output, reports_refusals
from tfx_pipeline.components.data_gate import (
    anomaly_findings,
    label_values,
    quality_summary,
    unused_comparators,
)
from tfx_pipeline.components.data_gate.anomaly_findings import by_split
from tfx_pipeline.errors import DataRefused, Finding, shown_name

_REMEDY = "Correct the data or the schema, or set schema.on_anomaly to warn"


class Executor(base_executor.BaseExecutor):
    """Collects all findings about the data; refuses or warns."""

    @reports_refusals
    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> execution_result_pb2.ExecutorOutput:
        """Reads the anomalies of all splits.

        Returns:
          The executor's output, with a message about data that passed: missing and infinite
          values, and comparators of the schema that are not evaluated.

        Raises:
          DataRefused: there are anomalies and `on_anomaly` is `fail`.
        """
        anomalies = artifact_utils.get_single_instance(input_dict["anomalies"])
        statistics = artifact_utils.get_single_instance(input_dict["statistics"])
        datasets = {
            split: statistics_pb2.DatasetFeatureStatisticsList.FromString(data).datasets[0]
            for split, data in _read_splits(statistics, "FeatureStats.pb")
        }
        found = {
            split: anomalies_pb2.Anomalies.FromString(data)
            for split, data in _read_splits(anomalies, "SchemaDiff.pb")
        }
        rows = input_dict.get("examples", [])
        findings = anomaly_findings.of_splits(found, datasets, rows)
        findings += label_findings(datasets, exec_properties["label"], exec_properties["task"])
        of_no_class, advice = _labels_of_no_class(input_dict, exec_properties)
        findings += of_no_class
        if findings and exec_properties["on_anomaly"] == "fail":
            remedy = advice if len(findings) == len(of_no_class) else _REMEDY
            raise DataRefused(f"{_message(findings)}. {remedy}", findings)
        messages = [_message(findings)] if findings else []
        messages += [quality_summary.missing_values(datasets.values())]
        messages += [quality_summary.infinite_values(datasets.values())]
        messages += [unused_comparators.note(_read_schema(input_dict))]
        return completed_output(output_dict, "; ".join(filter(None, messages)), findings)


def _message(findings: list[Finding]) -> str:
    columns = list(dict.fromkeys(finding.subject for finding in findings))
    count = "1 anomaly" if len(findings) == 1 else f"{len(findings)} anomalies"
    shown = ", ".join(map(shown_name, columns[:5])) + (" ..." if len(columns) > 5 else "")
    return f"the data does not fit the schema: {count} in {shown}"


def _labels_of_no_class(
    input_dict: Artifacts, exec_properties: dict[str, Any]
) -> tuple[list[Finding], str]:
    """A finding about labels that are none of the classes, and what to do about it."""
    classes = json.loads(exec_properties.get("classes") or "[]")
    rule = label_values.Rule(exec_properties["label"], exec_properties["task"], tuple(classes))
    examples = input_dict.get("examples", [])
    if not examples or not rule.needs_values:
        return [], ""
    counts = label_values.count(examples, rule.label)
    finding = label_values.finding(rule, counts)
    return ([finding], label_values.suggestion(rule, counts)) if finding else ([], "")


def _read_schema(input_dict: Artifacts) -> schema_pb2.Schema:
    folder = artifact_utils.get_single_uri(input_dict["schema"])
    return io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(folder))


def _read_splits(artifact: types.Artifact, name: str) -> Iterator[tuple[str, bytes]]:
    """The names of an artifact's splits, and the content of each one's file `name`."""
    for split in artifact_utils.decode_split_names(artifact.split_names):
        path = os.path.join(artifact_utils.get_split_uri([artifact], split), name)
        with fileio.open(path, "rb") as file:
            yield split, file.read()


def label_findings(
    splits: dict[str, statistics_pb2.DatasetFeatureStatistics], label: str, task: str
) -> list[Finding]:
    """Findings about the label: it is missing, or has only one value."""
    rule = "label is constant" if task == "regression" else "label has one class"
    found: dict[str, dict[str, str]] = {}
    for split, statistics in splits.items():
        feature = quality_summary.feature(statistics, label)
        if feature is None or quality_summary.common(feature).num_non_missing == 0:
            found.setdefault("label missing", {})[split] = "no row has a label"
        elif (only := _only_value(feature)) is not None:
            found.setdefault(rule, {})[split] = f"every row has {only}"
    return [Finding(label, rule, by_split(texts, len(splits))) for rule, texts in found.items()]


def _only_value(feature: statistics_pb2.FeatureNameStatistics) -> str | None:
    """The one value of a feature as text; None if it has several."""
    if feature.HasField("string_stats"):
        stats = feature.string_stats
        if stats.unique > 1:
            return None
        return stats.top_values[0].value if stats.top_values else "the same value"
    if feature.HasField("num_stats") and feature.num_stats.min == feature.num_stats.max:
        return f"{feature.num_stats.min:g}"
    return None
