"""The gates: which checks `drift` and `skew` make, and what becomes of a change."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from tfx_pipeline.components.data_gate import comparison
from tfx_pipeline.components.data_gate.comparison import CHANGED, TOO_FEW, Check, Limits
from tfx_pipeline.errors import Finding, first_of
from tfx_pipeline.report import file_names

FILE = file_names.DATA_CHECKS
"""The file with all checks, in the folder of ExampleValidator's anomalies."""

TRAIN = "train"
DRIFT, SKEW, BIAS = "drift", "skew", "bias"
LAST_BLESSED = "last blessed model"

_COMPARATOR = "COMPARATOR_"
Splits = Mapping[str, statistics_pb2.DatasetFeatureStatistics]


@dataclasses.dataclass(frozen=True)
class Checked:
    """A check of a gate.

    Attributes:
      gate: drift, skew or bias.
      split: the split that was compared.
      reference: what it was compared with.
      action: what becomes of a change: warn or fail.
      check: the check.
    """

    gate: str
    split: str
    reference: str
    action: str
    check: Check


def run(
    config: Mapping[str, Any], splits: Splits, baseline: Splits, label: str
) -> Iterator[Checked]:
    """Makes the checks.

    Args:
      config: `drift`, `skew` as in the section `gates`, and `ignored`, columns that differ
        between the splits by the way in which they are made.
      splits: the statistics of this run.
      baseline: those of the last blessed model's run; empty if there is none.
      label: the label's column.
    """
    drift, skew = config.get(DRIFT), config.get(SKEW)
    if drift and TRAIN in baseline and TRAIN in splits:
        limits = _limits(drift, drift["rows"])
        for check in comparison.compare(baseline[TRAIN], splits[TRAIN], limits, label):
            yield Checked(DRIFT, TRAIN, LAST_BLESSED, _action(drift, DRIFT, check), check)
    if skew and TRAIN in splits:
        limits = _limits(skew, 0.0)
        for split in splits:
            if split != TRAIN:
                ignored = config.get("ignored", ())
                found = comparison.compare(splits[TRAIN], splits[split], limits, label, ignored)
                for check in found:
                    yield Checked(SKEW, split, f"split {TRAIN}", _action(skew, SKEW, check), check)


def _limits(section: Mapping[str, Any], rows: float) -> Limits:
    features = {
        name: values["threshold"]
        for name, values in section["features"].items()
        if values.get("threshold") is not None
    }
    return Limits(section["threshold"], section["share"], rows, features)


def _action(section: Mapping[str, Any], gate: str, check: Check) -> str:
    of_column = section["features"].get(check.feature, {})
    return str(of_column.get(f"on_{gate}") or section[f"on_{gate}"])


def comparators(
    splits: Splits, baseline: Splits, schema: schema_pb2.Schema
) -> dict[str, anomalies_pb2.Anomalies]:
    """What the schema's drift comparators say, by split; TFDV evaluates them."""
    from tensorflow_data_validation import validate_statistics

    found = {}
    for split in (name for name in splits if name in baseline):
        new, old = (
            statistics_pb2.DatasetFeatureStatisticsList(datasets=[side[split]])
            for side in (splits, baseline)
        )
        anomalies = validate_statistics(new, schema, previous_statistics=old)
        found[split] = _only_comparators(anomalies)
    return {split: anomalies for split, anomalies in found.items() if anomalies.anomaly_info}


def _only_comparators(anomalies: anomalies_pb2.Anomalies) -> anomalies_pb2.Anomalies:
    """Without what ExampleValidator has said already."""
    result = anomalies_pb2.Anomalies()
    for column, info in anomalies.anomaly_info.items():
        reasons = [r for r in info.reason if _kind(r).startswith(_COMPARATOR)]
        if reasons:
            result.anomaly_info[column].CopyFrom(info)
            del result.anomaly_info[column].reason[:]
            result.anomaly_info[column].reason.extend(reasons)
    return result


def _kind(reason: anomalies_pb2.AnomalyInfo.Reason) -> str:
    return str(anomalies_pb2.AnomalyInfo.Type.Name(reason.type))


def findings(checked: list[Checked], action: str) -> list[Finding]:
    """The changes with this action, as rows of a table."""
    return [
        Finding(
            one.check.feature or "(all columns)",
            f"{one.gate}: {one.check.check}",
            _text(one),
        )
        for one in checked
        if one.check.state == CHANGED and one.action == action
    ]


def _text(one: Checked) -> str:
    check = one.check
    where = f"split {one.split}: " if one.gate == SKEW else ""
    amount = f"{check.measure} {check.effect:.3g}, limit {check.limit:.3g}"
    return f"{where}{check.found} ({amount})"


def summary(checked: list[Checked]) -> str:
    """One line about the changes and about what could not be compared; may be empty."""
    changed = {(one.gate, one.check.feature or "rows") for one in checked if _is(one, CHANGED)}
    few = {one.check.feature for one in checked if _is(one, TOO_FEW) and one.gate != BIAS}
    small = [one.check for one in checked if _is(one, TOO_FEW) and one.gate == BIAS]
    parts = []
    for gate in (DRIFT, SKEW, BIAS):
        names = sorted(name for found, name in changed if found == gate)
        if names:
            parts.append(f"{gate} in {first_of(names, 5)}")
    if few:
        columns = "1 column" if len(few) == 1 else f"{len(few)} columns"
        parts.append(f"too few values to compare {columns}")
    if small:
        names = sorted({f"{check.feature} {check.group!r}" for check in small})
        parts.append(f"too few rows in {first_of(names, 3)}")
    return "; ".join(parts)


def _is(one: Checked, state: str) -> bool:
    return one.check.state == state


def to_json(checked: list[Checked], groups: Sequence[Mapping[str, Any]] = ()) -> str:
    """The content of FILE: one object for each check and each group, see docs/gates.md."""
    rows = [
        {
            "gate": one.gate,
            "split": one.split,
            "reference": one.reference,
            "action": one.action,
            **dataclasses.asdict(one.check),
        }
        for one in checked
    ]
    return json.dumps({"version": 1, "checks": rows, "groups": [*groups]}, indent=1) + "\n"
