"""SchemaGen's executor: TFX's schema, with the types of columns that are empty in one split.

TFX infers the schema from the first split and updates it with the others. TensorFlow Data
Validation marks a column without a value as deprecated, and it stays deprecated even if
another split has values. Transform then fails, because it reads no deprecated columns.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any, TypeAlias

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.components.schema_gen import executor
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys
from tfx.utils import io_utils, json_utils

from tfx_pipeline.components.common.artifacts import Artifacts

_log = logging.getLogger(__name__)

_Statistics: TypeAlias = statistics_pb2.DatasetFeatureStatisticsList


class Executor(executor.Executor):
    """Writes TFX's schema, without deprecated columns that have values."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Infers the schema."""
        super().Do(input_dict, output_dict, exec_properties)
        folder = artifact_utils.get_single_uri(output_dict[keys.SCHEMA_KEY])
        path = os.path.join(folder, executor.DEFAULT_FILE_NAME)
        schema = io_utils.SchemaReader().read(path)
        deprecated = [f.name for f in schema.feature if _is_deprecated(f)]
        if not deprecated:
            return
        infer_shape = bool(exec_properties.get(keys.INFER_FEATURE_SHAPE_KEY, True))
        splits = _statistics(input_dict, exec_properties)
        restored = [name for name in deprecated if _restore(schema, name, splits, infer_shape)]
        if restored:
            _log.info("SchemaGen: empty in one split, typed by another: %s", ", ".join(restored))
            io_utils.write_pbtxt_file(path, schema)


def _is_deprecated(feature: schema_pb2.Feature) -> bool:
    return feature.lifecycle_stage == schema_pb2.DEPRECATED


def _statistics(input_dict: Artifacts, exec_properties: dict[str, Any]) -> list[_Statistics]:
    artifact = artifact_utils.get_single_instance(input_dict[keys.STATISTICS_KEY])
    excluded = json_utils.loads(exec_properties.get(keys.EXCLUDE_SPLITS_KEY) or "null") or []
    names = artifact_utils.decode_split_names(artifact.split_names)
    return [
        stats_artifact_utils.load_statistics(artifact, name).proto()
        for name in names
        if name not in excluded
    ]


def _restore(
    schema: schema_pb2.Schema, name: str, splits: Sequence[_Statistics], infer_shape: bool
) -> bool:
    """Gives a column the type and the domain that the splits with values have.

    Returns:
      Whether a split has values of it.
    """
    known = [statistics for statistics in splits if _has_values(statistics, name)]
    if not known:
        return False
    inferred = tfdv.infer_schema(known[0], infer_shape)
    for statistics in known[1:]:
        inferred = tfdv.update_schema(inferred, statistics, infer_shape)
    found = tfdv.get_feature(inferred, name)
    # A split has no value of it, so none is required, and the shape is not fixed.
    found.ClearField("presence")
    if found.HasField("shape"):
        found.value_count.min = found.value_count.max = 1
    tfdv.get_feature(schema, name).CopyFrom(found)
    present = {domain.name for domain in schema.string_domain}
    schema.string_domain.extend(
        d for d in inferred.string_domain if d.name == found.domain and d.name not in present
    )
    return True


def _has_values(statistics: _Statistics, name: str) -> bool:
    (dataset,) = statistics.datasets
    return any(
        list(feature.path.step) == [name] and _common(feature).tot_num_values > 0
        for feature in dataset.features
    )


def _common(feature: statistics_pb2.FeatureNameStatistics) -> statistics_pb2.CommonStatistics:
    kind = feature.WhichOneof("stats")
    return getattr(feature, kind).common_stats
