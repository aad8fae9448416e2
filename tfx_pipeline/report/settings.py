"""What each node was called with, as dotted keys; the code and the libraries it used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tfx_pipeline.modeling import graph_names
from tfx_pipeline.report.run_facts import NodeFacts, RunFacts

_NOT_SETTINGS = {"code_digest", "file_digest", "input_fingerprint", "__execution_result__"}
_LONGEST = 300


def of_node(node: NodeFacts) -> dict[str, str]:
    """The settings of one node by dotted key. Values that are empty are left out."""
    found: dict[str, str] = {}
    for name in sorted(node.properties):
        if name not in _NOT_SETTINGS:
            found.update(_flat(name, node.setting(name)))
    return found


def _flat(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{key}.{name}", inner)
    elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        for i, inner in enumerate(value):
            yield from _flat(f"{key}[{i}]", inner)
    elif value not in (None, "", [], {}):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield key, text if len(text) <= _LONGEST else text[:_LONGEST] + "\N{HORIZONTAL ELLIPSIS}"


def of_run(facts: RunFacts) -> dict[str, dict[str, str]]:
    """The settings of all nodes that have any."""
    found = {node.id: of_node(node) for node in facts.nodes}
    return {name: settings for name, settings in found.items() if settings}


def code(facts: RunFacts) -> dict[str, dict[str, str]]:
    """The digests of the code of each node, by module; versions of libraries too."""
    result: dict[str, dict[str, str]] = {}
    for node in facts.nodes:
        found = node.setting("code_digest")
        if isinstance(found, dict):
            result[node.id] = {str(name): str(value) for name, value in found.items()}
    return result


def versions(facts: RunFacts) -> dict[str, str]:
    """The versions of the libraries that the nodes used."""
    found: dict[str, str] = {}
    for of_node_ in code(facts).values():
        found.update({n: v for n, v in of_node_.items() if v[:1].isdigit() and "." in v})
    return dict(sorted(found.items()))


def own_code(facts: RunFacts) -> dict[str, str]:
    """The digests of the modules that are not the library's."""
    found: dict[str, str] = {}
    libraries = versions(facts)
    for of_node_ in code(facts).values():
        found.update(
            {
                n: v
                for n, v in of_node_.items()
                if n not in libraries and not n.startswith("tfx_pipeline")
            }
        )
    return dict(sorted(found.items()))


def decided(facts: RunFacts) -> dict[str, Any] | None:
    """The treatment of each column that Transform decided on; None if it did not say."""
    transform = facts.artifact("TransformGraph")
    features = transform.document(graph_names.DECISIONS).get("features") if transform else None
    return features if isinstance(features, dict) else None


def treatments(facts: RunFacts) -> dict[str, str]:
    """What the model does with each column: `log`, `vocabulary` … or that it is the label."""
    uses: dict[str, str] = {}
    features = decided(facts)
    if features is None:
        node = facts.node("Transform")
        config = node.setting("custom_config") if node else None
        features = config.get("features", {}) if isinstance(config, dict) else {}
    for name, treatment in features.items():
        if isinstance(treatment, dict):
            uses[name] = str(treatment.get("transform") or "decided from the data")
    if facts.label:
        uses[facts.label] = "label"
    return uses
