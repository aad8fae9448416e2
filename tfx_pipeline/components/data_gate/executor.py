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

from tfx_pipeline.components.common import label_counts
from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.common.executor_outcome import completed_output, reports_refusals
from tfx_pipeline.components.data_gate import (
    anomaly_findings,
    bias_gate,
    gates,
    label_values,
    quality_summary,
    row_weights,
    unused_comparators,
)
from tfx_pipeline.components.data_gate.anomaly_findings import by_split
from tfx_pipeline.errors import DataRefused, Finding, shown_name

_CHANGED = "Look at the data; if it is right, change the limit or set the gate to warn"
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
        datasets = _statistics([statistics])
        found = {
            split: anomalies_pb2.Anomalies.FromString(data)
            for split, data in _read_splits(anomalies, "SchemaDiff.pb")
        }
        rows = input_dict.get("examples", [])
        findings = anomaly_findings.of_splits(found, datasets, rows)
        baseline = _statistics(input_dict.get("baseline_statistics") or [])
        schema = _read_schema(input_dict)
        compared = gates.comparators(datasets, baseline, schema) if baseline else {}
        findings += anomaly_findings.of_splits(compared, datasets)
        findings += label_findings(datasets, exec_properties["label"], exec_properties["task"])
        labels = _judged_labels(rows, exec_properties)
        weights = row_weights.findings(rows, weight) if (weight := _weight(exec_properties)) else []
        findings += [*labels.findings, *weights]
        if findings and exec_properties["on_anomaly"] == "fail":
            only_labels = len(findings) == len(labels.findings)
            only_weights = len(findings) == len(weights)
            remedy = labels.advice if only_labels else _REMEDY
            remedy = row_weights.REMEDY if only_weights else remedy
            raise DataRefused(f"{_message(findings)}. {remedy}", findings)
        config = json.loads(exec_properties.get("gates") or "{}")
        checked = [*gates.run(config, datasets, baseline, exec_properties["label"])]
        bias = bias_gate.Outcome()
        if section := config.get(gates.BIAS):
            earlier = input_dict.get("baseline_examples") or []
            bias = bias_gate.run(section, rows, earlier, _rule(exec_properties))
            checked += bias.checked
        if config:
            with fileio.open(os.path.join(anomalies.uri, gates.FILE), "w") as file:
                file.write(gates.to_json(checked, bias.groups))
        refused = gates.findings(checked, "fail")
        if refused:
            what = "the data is biased" if {one.gate for one in checked} == {gates.BIAS} else ""
            what = what or "the data has changed"
            raise DataRefused(f"{what}: {gates.summary(checked)}. {_CHANGED}", refused)
        messages = [_message(findings)] if findings else []
        messages += [labels.note, quality_summary.missing_values(datasets.values())]
        messages += [quality_summary.untrained_values(datasets)]
        messages += [quality_summary.infinite_values(datasets.values())]
        messages += [
            gates.summary(checked),
            bias.note,
            unused_comparators.note(schema, bool(baseline)),
        ]
        findings += gates.findings(checked, "warn")
        return completed_output(output_dict, "; ".join(filter(None, messages)), findings)


def _statistics(
    artifacts: list[types.Artifact],
) -> dict[str, statistics_pb2.DatasetFeatureStatistics]:
    """The statistics of each split; empty without an artifact."""
    return {
        split: statistics_pb2.DatasetFeatureStatisticsList.FromString(data).datasets[0]
        for artifact in artifacts
        for split, data in _read_splits(artifact, "FeatureStats.pb")
    }


def _message(findings: list[Finding]) -> str:
    columns = list(dict.fromkeys(finding.subject for finding in findings))
    count = "1 anomaly" if len(findings) == 1 else f"{len(findings)} anomalies"
    shown = ", ".join(map(shown_name, columns[:5])) + (" ..." if len(columns) > 5 else "")
    return f"the data does not fit the schema: {count} in {shown}"


def _judged_labels(
    examples: list[types.Artifact], exec_properties: dict[str, Any]
) -> label_values.Judgement:
    """What is wrong with the label's values; nothing without examples."""
    rule = _rule(exec_properties)
    counts = label_counts.count(examples, rule.label, numbers=not rule.is_number)
    return label_values.judge(rule, counts) if counts else label_values.Judgement()


def _rule(exec_properties: dict[str, Any]) -> label_values.Rule:
    return label_values.Rule(
        exec_properties["label"],
        exec_properties["task"],
        tuple(json.loads(exec_properties.get("classes") or "[]")),
        exec_properties.get("positive") or None,
    )


def _weight(exec_properties: dict[str, Any]) -> str:
    return exec_properties.get("weight") or ""


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
