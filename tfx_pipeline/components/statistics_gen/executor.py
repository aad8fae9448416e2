"""StatisticsGen's executor: TensorFlow Data Validation's statistics of all splits in one pass.

TFX's executor builds a Beam pipeline of about 150 transforms for each split and reads
row by row. Here the splits are the slices of one TFDV pipeline over record batches.
TFX's executor does the work if options are given, for example a schema.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.components.statistics_gen import executor
from tfx.components.util import examples_utils
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import json_utils, stats_utils

from tfx_pipeline.compat.sliced_statistics import SplitStatistics
from tfx_pipeline.components.common import example_files
from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.common.beam_executor import BeamExecutor
from tfx_pipeline.components.common.record_batches import ReadRecordBatches

_log = logging.getLogger(__name__)

# The name that ExampleValidator and TFDV expect.
_FILE_NAME = "FeatureStats.pb"


class Executor(BeamExecutor, executor.Executor):
    """Writes each split's statistics as TFX does; options that it does not cover are TFX's."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Computes the statistics of all splits that are not excluded.

        Raises:
          NodeError: a split has no files.
        """
        splits = _splits(input_dict, exec_properties)
        reason = _not_covered(input_dict, exec_properties, splits)
        if not reason and self._compute(input_dict, output_dict, splits):
            _log.info("StatisticsGen: from record batches: %s", ", ".join(splits))
            return
        _log.info("StatisticsGen: by TFX's executor, because %s", reason or "a split has no rows")
        super().Do(input_dict, output_dict, exec_properties)

    def _compute(
        self, input_dict: Artifacts, output_dict: Artifacts, splits: Sequence[str]
    ) -> bool:
        """Whether all splits have rows; then their statistics are written."""
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        statistics = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.STATISTICS_KEY]
        )
        _set_properties(statistics, examples[0], splits)
        files = {split: example_files.files(examples, split) for split in splits}
        targets = {split: artifact_utils.get_split_uri([statistics], split) for split in splits}
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Examples" >> ReadRecordBatches(files)
                | "Statistics" >> SplitStatistics(splits)
                | "Write" >> beam.ParDo(_write, targets)
            )
        return all(fileio.exists(os.path.join(uri, _FILE_NAME)) for uri in targets.values())


def _splits(input_dict: Artifacts, exec_properties: Mapping[str, Any]) -> list[str]:
    names = artifact_utils.decode_split_names(
        input_dict[standard_component_specs.EXAMPLES_KEY][0].split_names
    )
    excluded = _json(exec_properties, standard_component_specs.EXCLUDE_SPLITS_KEY) or []
    return [name for name in names if name not in excluded]


def _json(exec_properties: Mapping[str, Any], key: str) -> Any:
    return json_utils.loads(exec_properties.get(key) or "null")


def _not_covered(
    input_dict: Artifacts, exec_properties: Mapping[str, Any], splits: Sequence[str]
) -> str:
    """Why TFX's executor must do the work; empty if it need not."""
    keys = standard_component_specs
    examples = input_dict[keys.EXAMPLES_KEY]
    payloads = (None, example_gen_pb2.FORMAT_UNSPECIFIED, example_gen_pb2.FORMAT_TF_EXAMPLE)
    reasons = {
        "stats_options is given": exec_properties.get(keys.STATS_OPTIONS_JSON_KEY),
        "a schema is given": input_dict.get(keys.SCHEMA_KEY),
        "sample_rate_by_split is given": _json(exec_properties, keys.SAMPLE_RATE_BY_SPLIT_KEY),
        "the output is sharded": exec_properties.get(keys.SHARDED_STATS_OUTPUT_KEY),
        "there is not exactly one Examples artifact": len(examples) != 1,
        "the splits have patterns of their own": examples[0].has_custom_property(
            examples_utils.CUSTOM_SPLIT_PATTERN_PROPERTY_NAME
        ),
        "the payload is not tf.Example": examples_utils.get_payload_format(examples[0])
        not in payloads,
        "all splits are excluded": not splits,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _set_properties(
    statistics: types.Artifact, examples: types.Artifact, splits: Sequence[str]
) -> None:
    """Sets what TFX's executor sets."""
    statistics.split_names = artifact_utils.encode_split_names(list(splits))
    statistics.span = examples.span
    statistics.set_string_custom_property(
        executor.STATS_DASHBOARD_LINK, stats_utils.generate_stats_dashboard_link(statistics)
    )
    statistics.set_json_value_custom_property(
        executor.SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME, json_utils.dumps(dict.fromkeys(splits, 1.0))
    )


def _write(
    statistics: statistics_pb2.DatasetFeatureStatisticsList, targets: dict[str, str]
) -> None:
    """Writes the statistics of each slice, which is a split, to a file of its own."""
    for dataset in statistics.datasets:
        folder = targets.get(dataset.name)
        if folder is None:
            continue  # TFDV's placeholder for data without rows
        single = statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset])
        single.datasets[0].ClearField("name")
        # The parts of several workers are merged in any order.
        single.datasets[0].features.sort(key=lambda feature: list(feature.path.step))
        fileio.makedirs(folder)
        with fileio.open(os.path.join(folder, _FILE_NAME), "wb") as file:
            file.write(single.SerializeToString())
