"""Names the comparators of a schema that nothing evaluates.

Drift needs the statistics of earlier data, skew those of serving requests. A run has neither,
and TFX's ExampleValidator passes none to TensorFlow Data Validation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tensorflow_metadata.proto.v0 import schema_pb2

from tfx_pipeline.errors import first_of, shown_name

_KINDS = ("drift", "skew")
_OF_ALL_ROWS = ("num_examples_drift_comparator", "num_examples_version_comparator")
_MOST_COLUMNS = 6
_REMEDY = (
    "Compare them with tfdv.validate_statistics (docs/troubleshooting.md), "
    "or remove the comparators from the schema"
)


def note(schema: schema_pb2.Schema, drift: bool = False) -> str:
    """One sentence about the comparators that are not evaluated; empty if there are none.

    Args:
      schema: has the comparators.
      drift: whether those for drift are evaluated.
    """
    columns: dict[str, list[str]] = {kind: [] for kind in _KINDS[drift:]}
    for name, feature in _features(schema.feature):
        for kind in _KINDS[drift:]:
            if feature.HasField(f"{kind}_comparator"):
                columns[kind].append(shown_name(name))
    parts = [
        f"{kind} comparators of {first_of(names, _MOST_COLUMNS)}"
        for kind, names in columns.items()
        if names
    ]
    constraints = schema_pb2.DatasetConstraints() if drift else schema.dataset_constraints
    parts += [name for name in _OF_ALL_ROWS if constraints.HasField(name)]
    if not parts:
        return ""
    reason = "a run has no statistics of requests"
    if not drift:
        reason = "a run has no statistics of earlier data or of requests"
    return f"not evaluated: {', '.join(parts)}: {reason}. {_REMEDY}"


def _features(
    features: Iterable[schema_pb2.Feature], above: str = ""
) -> Iterator[tuple[str, schema_pb2.Feature]]:
    """Features with their names, also those inside of structs."""
    for feature in features:
        yield above + feature.name, feature
        yield from _features(feature.struct_domain.feature, f"{above}{feature.name}.")
