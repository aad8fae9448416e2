"""Writes `pipeline.yaml` for a person: plain keys, each with the reason beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tfx_pipeline.profiling import gate_choice
from tfx_pipeline.profiling.choice import counted
from tfx_pipeline.profiling.plan import FeatureChoice, Plan

_PLAIN = re.compile(r"^(\.{1,2}/)*[A-Za-z_][A-Za-z0-9_./-]*$")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "none", "y", "n", "nan", "inf"}
_COMMENT_COLUMN = 48


def pipeline_yaml(plan: Plan, name: str, path: str | None, schema: str, shown: str) -> str:
    """The text of `pipeline.yaml`.

    Args:
      plan: what was decided.
      name: the pipeline's name.
      path: `data.path`, as the file shall name it; None for a database.
      schema: the schema's path.
      shown: where the rows are.
    """
    lines = [
        f"# Predicts {_commented(plan.label.name)} from the rows of {_commented(shown)}.",
        "# Written by tfx-pipeline init; everything here is yours to change.",
        "# Check it with: tfx-pipeline check. Run it with: tfx-pipeline run",
        f"name: {scalar(name)}",
        "root: build",
        "",
        "data:",
        *_section(_data(plan, path)),
        *_excluded(plan),
        "",
        *_columns(plan),
        "schema:",
        _line("path", schema, "what a row must look like; edit it as you learn about the data"),
        _line("on_anomaly", "fail", "or warn"),
        "",
        *_gates(plan),
        "",
        "label:",
        *_section(_label(plan)),
        "",
        "# How the model reads each column; docs/configuration.md lists the treatments.",
        "features:",
        *(_feature(choice) for choice in plan.features if choice.settings is not None),
        *_kept(plan),
        "",
        "training:",
        _line("effort", "standard", "quick, standard or best: the network and how long it trains"),
        "",
        "evaluation:",
        _line("metrics", plan.evaluation["metrics"], ""),
        "  thresholds:",
        *(
            f"    {scalar(metric)}: {flow(bounds)}"
            for metric, bounds in plan.evaluation["thresholds"].items()
        ),
        "",
    ]
    return "\n".join(lines)


def _gates(plan: Plan) -> list[str]:
    reasons = {
        "drift": "the data against that of the last blessed model; or fail",
        "skew": "the splits against each other; or fail",
    }
    found = gate_choice.gates(plan.split)
    lines = ["# What is compared before training; docs/gates.md.", "gates:"]
    lines += [_line(gate, value, reasons[gate]) for gate, value in found.items()]
    read = [c.profile for c in plan.features if c.settings is not None or c.kept]
    if groups := gate_choice.protected(read):
        limit = {} if plan.label.task == "regression" else {"min_rate_ratio": 0.8}
        bias = _line("bias", {"groups": groups, **limit}, "shares and labels of groups of people")
        lines += [f"  # {bias.strip()}"]
    return lines


def _data(plan: Plan, path: str | None) -> dict[str, tuple[Any, str]]:
    reasons = {c.subject: c.reason for c in plan.choices if c.subject.startswith("data.")}
    found = {key: (value, reasons.get(f"data.{key}", "")) for key, value in plan.data.items()}
    found["missing"] = (plan.data.get("missing"), "texts that stand for no value")
    split = next((c.reason for c in plan.choices if c.subject.startswith("data.split.")), "")
    keys = {"path": (path, ""), **found, "split": (plan.split, split)}
    return {key: item for key, item in keys.items() if item[0] is not None}


def _label(plan: Plan) -> dict[str, tuple[Any, str]]:
    reasons = {choice.subject: choice.reason for choice in plan.label.choices}
    found: dict[str, tuple[Any, str]] = {
        "name": (plan.label.name, ""),
        "task": (plan.label.task, reasons["label.task"]),
    }
    if plan.label.positive is not None:
        found["positive"] = (plan.label.positive, reasons["label.positive"])
    return found


def _excluded(plan: Plan) -> list[str]:
    out = [c for c in plan.features if c.settings is None and not c.kept]
    if not out:
        return []
    width = _COMMENT_COLUMN
    lines = [f"    - {scalar(c.profile.name)}" for c in out]
    notes = [f"{line:{width}}  # {_commented(c.reason)}" for line, c in zip(lines, out)]
    return ["  exclude:", *notes]


def _kept(plan: Plan) -> list[str]:
    kept = [c for c in plan.features if c.settings is None and c.kept]
    return [f"  # {_commented(c.profile.name)} is no feature: {_commented(c.reason)}" for c in kept]


def _columns(plan: Plan) -> list[str]:
    if not plan.columns:
        return []
    reasons = {c.profile.name: c.profile.reason for c in plan.features}
    reasons[plan.label.name] = plan.label.profile.reason
    types = {name: (value, reasons[name]) for name, value in plan.columns.items()}
    return ["columns:", *_section(types), ""]


def _feature(choice: FeatureChoice) -> str:
    missing = choice.profile.values.rows - choice.profile.present
    share = f"; {counted(missing, 'row')} without a value" if missing else ""
    reason = choice.reason.partition(", missing in")[0] + share
    return _line(choice.profile.name, choice.settings, reason)


def _section(values: Mapping[str, tuple[Any, str]]) -> list[str]:
    return [_line(key, value, reason) for key, (value, reason) in values.items()]


def _line(key: str, value: Any, reason: str) -> str:
    text = f"  {scalar(key)}: {flow(value)}"
    return f"{text:{_COMMENT_COLUMN}}  # {_commented(reason)}" if reason else text


def flow(value: Any) -> str:
    """A value on one line of YAML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        return scalar(value)
    return json.dumps(value)


def scalar(text: str) -> str:
    """A text as YAML, in quotes where it could be read as something else."""
    if _PLAIN.match(text) and text.lower() not in _WORDS:
        return text
    # JSON's strings are YAML's; characters that cannot be seen are escaped as well.
    written = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in written)


def _commented(text: str) -> str:
    """A text within a comment: on one line, and only what can be printed."""
    return "".join(char if char.isprintable() else " " for char in text)
