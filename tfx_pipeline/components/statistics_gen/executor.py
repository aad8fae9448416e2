"""StatisticsGen's executor: TensorFlow Data Validation's statistics of all splits in one pass.

TFX's executor builds a Beam pipeline of about 150 transforms for each split and reads
row by row. Here the splits are the slices of one TFDV pipeline over record batches.
"""

from __future__ import annotations

import logging
import os
from typing import Any

import apache_beam as beam
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs

from tfx_pipeline.compat.in_process_beam import beam_pipeline
from tfx_pipeline.compat.sliced_statistics import SplitStatistics
from tfx_pipeline.components.common import example_files
from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.common.record_batches import ReadRecordBatches

_log = logging.getLogger(__name__)

# The name that ExampleValidator and TFDV expect.
_FILE_NAME = "FeatureStats.pb"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes each split's statistics as TFX does."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Computes the statistics of all splits.

        Raises:
          NodeError: a split has no files.
        """
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        statistics = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.STATISTICS_KEY]
        )
        splits = artifact_utils.decode_split_names(examples[0].split_names)
        statistics.split_names = artifact_utils.encode_split_names(splits)
        statistics.span = examples[0].span
        files = {split: example_files.files(examples, split) for split in splits}
        targets = {split: artifact_utils.get_split_uri([statistics], split) for split in splits}
        with beam_pipeline(self._beam_pipeline_args, self._make_beam_pipeline) as pipeline:
            _ = (
                pipeline
                | "Examples" >> ReadRecordBatches(files)
                | "Statistics" >> SplitStatistics(splits)
                | "Write" >> beam.ParDo(_write, targets)
            )
        _log.info("StatisticsGen: %s", ", ".join(splits))


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
