"""DataGate's executor: turns anomalies and statistics into findings; refuses or warns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils

from tfx_pipeline.components.common.executor_outcome import noted_output, refusable
from tfx_pipeline.components.data_gate import quality_notes
from tfx_pipeline.errors import DataRefused, Finding

_Info = anomalies_pb2.AnomalyInfo
_CLEARER = {
    _Info.SCHEMA_MISSING_COLUMN: (
        "column missing",
        "the schema requires it, the data does not have it or it is empty",
    ),
    _Info.SCHEMA_NEW_COLUMN: (
        "unknown column",
        "it is in the data and not in the schema. Add it to the schema or to data.exclude",
    ),
}
_REMEDY = "Correct the data or the schema, or set schema.on_anomaly to warn"


class Executor(base_executor.BaseExecutor):
    """Collects everything that is wrong with the data; refuses or warns."""

    @refusable
    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> execution_result_pb2.ExecutorOutput:
        """Reads the anomalies of all splits.

        Returns:
          What there is to say of data that passed, as the execution's note.

        Raises:
          DataRefused: there are anomalies and `on_anomaly` is `fail`.
        """
        anomalies = artifact_utils.get_single_instance(input_dict["anomalies"])
        statistics = artifact_utils.get_single_instance(input_dict["statistics"])
        findings = anomaly_findings(_read_splits(anomalies, "SchemaDiff.pb", _parse_anomalies))
        label, task = exec_properties["label"], exec_properties["task"]
        splits = _read_splits(statistics, "FeatureStats.pb", _parse_statistics)
        findings += label_findings(splits, label, task)
        if findings and exec_properties["on_anomaly"] == "fail":
            raise DataRefused(f"{_message(findings)}. {_REMEDY}", findings)
        notes = [_message(findings)] if findings else []
        notes += filter(None, [quality_notes.missing_values(splits.values())])
        return noted_output("; ".join(notes), findings)


def _message(findings: list[Finding]) -> str:
    columns = list(dict.fromkeys(finding.subject for finding in findings))
    count = "1 anomaly" if len(findings) == 1 else f"{len(findings)} anomalies"
    shown = ", ".join(columns[:5]) + (" ..." if len(columns) > 5 else "")
    return f"the data does not fit the schema: {count} in {shown}"


def _read_splits(artifact: types.Artifact, name: str, parse) -> dict[str, Any]:
    result = {}
    for split in artifact_utils.decode_split_names(artifact.split_names):
        path = os.path.join(artifact_utils.get_split_uri([artifact], split), name)
        with fileio.open(path, "rb") as file:
            result[split] = parse(file.read())
    return result


def _parse_anomalies(data: bytes) -> anomalies_pb2.Anomalies:
    return anomalies_pb2.Anomalies.FromString(data)


def _parse_statistics(data: bytes) -> statistics_pb2.DatasetFeatureStatistics:
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(data).datasets[0]


def anomaly_findings(splits: dict[str, anomalies_pb2.Anomalies]) -> list[Finding]:
    """One finding for each column and rule, naming the splits where not all agree."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for split, anomalies in splits.items():
        for column, info in _infos(anomalies):
            for rule, description in _reasons(info):
                found.setdefault((column, rule), {})[split] = description
    return [
        Finding(column, rule, _by_split(texts, len(splits)))
        for (column, rule), texts in sorted(found.items())
    ]


def _infos(anomalies: anomalies_pb2.Anomalies) -> Iterator[tuple[str, _Info]]:
    yield from anomalies.anomaly_info.items()
    if anomalies.HasField("dataset_anomaly_info"):
        yield "(all columns)", anomalies.dataset_anomaly_info


def _reasons(info: _Info) -> Iterator[tuple[str, str]]:
    for reason in info.reason:
        rule, found = reason.short_description, reason.description
        yield _CLEARER.get(reason.type, (rule[:1].lower() + rule[1:], found))
    if not info.reason:
        yield info.short_description or "anomaly", info.description


def _by_split(texts: dict[str, str], splits: int) -> str:
    if len(texts) == splits and len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"split {split}: {text}" for split, text in texts.items())


def label_findings(
    splits: dict[str, statistics_pb2.DatasetFeatureStatistics], label: str, task: str
) -> list[Finding]:
    """What is wrong with the label: it is absent, or has one value only."""
    rule = "label is constant" if task == "regression" else "label has one class"
    found: dict[str, dict[str, str]] = {}
    for split, statistics in splits.items():
        feature = _feature(statistics, label)
        if feature is None or quality_notes.common(feature).num_non_missing == 0:
            found.setdefault("label missing", {})[split] = "no row has a label"
        elif (only := _only_value(feature)) is not None:
            found.setdefault(rule, {})[split] = f"every row has {only}"
    return [Finding(label, rule, _by_split(texts, len(splits))) for rule, texts in found.items()]


def _feature(
    statistics: statistics_pb2.DatasetFeatureStatistics, name: str
) -> statistics_pb2.FeatureNameStatistics | None:
    for feature in statistics.features:
        if feature.name == name or list(feature.path.step) == [name]:
            return feature
    return None


def _only_value(feature: statistics_pb2.FeatureNameStatistics) -> str | None:
    if feature.HasField("string_stats"):
        stats = feature.string_stats
        if stats.unique > 1:
            return None
        return stats.top_values[0].value if stats.top_values else "the same value"
    if feature.HasField("num_stats") and feature.num_stats.min == feature.num_stats.max:
        return f"{feature.num_stats.min:g}"
    return None
