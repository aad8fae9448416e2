"""Names the comparators of a schema that nothing evaluates.

Drift needs the statistics of earlier data, skew those of serving requests. A run has neither,
and TFX's ExampleValidator passes none to TensorFlow Data Validation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tensorflow_metadata.proto.v0 import schema_pb2

from tfx_pipeline.errors import shown_name

_KINDS = ("drift", "skew")
_OF_ALL_ROWS = ("num_examples_drift_comparator", "num_examples_version_comparator")
_MOST_COLUMNS = 6
_REMEDY = (
    "Compare them with tfdv.validate_statistics (docs/troubleshooting.md), "
    "or remove the comparators from the schema"
)


def note(schema: schema_pb2.Schema) -> str:
    """One sentence about the comparators that are not evaluated; empty if there are none."""
    columns: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for name, feature in _features(schema.feature):
        for kind in _KINDS:
            if feature.HasField(f"{kind}_comparator"):
                columns[kind].append(name)
    parts = [f"{kind} comparators of {_list(names)}" for kind, names in columns.items() if names]
    constraints = schema.dataset_constraints
    parts += [name for name in _OF_ALL_ROWS if constraints.HasField(name)]
    if not parts:
        return ""
    reason = "a run has no statistics of earlier data or of requests"
    return f"not evaluated: {', '.join(parts)}: {reason}. {_REMEDY}"


def _features(
    features: Iterable[schema_pb2.Feature], above: str = ""
) -> Iterator[tuple[str, schema_pb2.Feature]]:
    """Features with their names, also those inside of structs."""
    for feature in features:
        yield above + feature.name, feature
        yield from _features(feature.struct_domain.feature, f"{above}{feature.name}.")


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_COLUMNS} more" if len(names) > _MOST_COLUMNS else ""
    return ", ".join(map(shown_name, names[:_MOST_COLUMNS])) + more
