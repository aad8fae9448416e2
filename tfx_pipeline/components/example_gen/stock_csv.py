"""CsvExampleGen: TFX's component, whose executor reads plain CSV files column by column.

The records, types and splits are those of TFX's CsvExampleGen: an empty cell is a list
without values. What Arrow may read in another way than TFX is left to TFX's executor.
"""

from __future__ import annotations

import logging
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from tfx.components.example_gen import utils
from tfx.components.example_gen.csv_example_gen import component, executor
from tfx.components.util import examples_utils
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys
from tfx.utils import io_utils, proto_utils

from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.common.beam_executor import BeamExecutor
from tfx_pipeline.components.common.column_kinds import Kind
from tfx_pipeline.components.common.example_encoder import Block
from tfx_pipeline.components.example_gen import ingestion, split_writer, table_sources
from tfx_pipeline.components.example_gen.images import Tally
from tfx_pipeline.components.example_gen.input_files import open_raw
from tfx_pipeline.components.example_gen.work_units import make_units
from tfx_pipeline.storage.layout import is_remote

_log = logging.getLogger(__name__)

_PLAIN_FIELD = rb'(?:[^",\r\n]*|"(?:[^"\r\n]|"")*")'
_PLAIN_LINE = re.compile(rb"%b(?:,%b)*\r?\n?" % (_PLAIN_FIELD, _PLAIN_FIELD))
_BOM = b"\xef\xbb\xbf"


class _NotCovered(Exception):
    """TFX's executor must do the work; the text says why."""


class _Source(table_sources.CsvSource):
    """CSV files, as the records that TFX writes."""

    def records(
        self, path: str, kinds: Mapping[str, Kind], tally: Tally | None = None
    ) -> Iterator[Block]:
        """Blocks of serialized tf.Examples. Without columns: those cannot hold empty lists."""
        for block in super().records(path, kinds, tally):
            yield Block(block.keys, block.keys)


class Executor(BeamExecutor, executor.Executor):
    """Writes what TFX's executor writes."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Reads the input splits and writes the output splits."""
        artifact = artifact_utils.get_single_instance(output_dict[keys.EXAMPLES_KEY])
        staging = os.path.join(artifact.uri, f".ingest-{uuid.uuid4().hex}")
        try:
            self._convert(artifact, exec_properties, staging)
        except _NotCovered as reason:
            _log.info("CsvExampleGen: by TFX's executor, because %s", reason)
        else:
            _log.info("CsvExampleGen: column by column")
            return
        finally:
            split_writer.discard(staging)
        super().Do(input_dict, output_dict, exec_properties)

    def _convert(self, artifact: Any, exec_properties: Mapping[str, Any], staging: str) -> None:
        """Writes all splits.

        Raises:
          _NotCovered: nothing was written but the staging folder.
        """
        inputs, outputs = _configs(exec_properties)
        shards = []
        for number, split in enumerate(inputs.splits):
            pattern = os.path.join(exec_properties[keys.INPUT_BASE_KEY], split.pattern)
            targets = outputs.split_config.splits
            buckets = [(s.name, s.hash_buckets) for s in targets] or [(split.name, 1)]
            splits = split_writer.Splits(tuple(buckets))
            folder = os.path.join(staging, str(number))
            shards.append((splits.names, self._read(pattern, splits, folder)))
        artifact.split_names = artifact_utils.encode_split_names(
            utils.generate_output_split_names(inputs, outputs)
        )
        for names, written in shards:
            uris = {name: artifact_utils.get_split_uri([artifact], name) for name in names}
            split_writer.publish(written, uris)
        examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
        if exec_properties.get(keys.OUTPUT_FILE_FORMAT_KEY):
            examples_utils.set_file_format(artifact, "tfrecords_gzip")

    def _read(
        self, pattern: str, splits: split_writer.Splits, folder: str
    ) -> list[split_writer.Shards]:
        files = sorted(map(str, fileio.glob(pattern)))
        units, source = make_units({"": files}), _Source(_header(files), {})
        with self._make_beam_pipeline() as pipeline:
            ingestion.run(pipeline, units, source, splits, folder)
        summary = ingestion.read_summary(folder, units)
        if summary.profile.problems:
            finding = summary.profile.findings[0]
            raise _NotCovered(f"of {finding.subject}: {finding.rule}: {finding.found}")
        if not sum(sum(shard.rows.values()) for shard in summary.shards):
            raise _NotCovered(f"{pattern} has no rows")
        return summary.shards


def _configs(
    exec_properties: Mapping[str, Any],
) -> tuple[example_gen_pb2.Input, example_gen_pb2.Output]:
    """The input and output configurations.

    Raises:
      _NotCovered: they ask for more than hash splits or input splits of tf.Examples.
    """
    inputs, outputs = example_gen_pb2.Input(), example_gen_pb2.Output()
    proto_utils.json_to_proto(exec_properties[keys.INPUT_CONFIG_KEY], inputs)
    proto_utils.json_to_proto(exec_properties[keys.OUTPUT_CONFIG_KEY], outputs)
    config = outputs.split_config
    if exec_properties.get(keys.OUTPUT_DATA_FORMAT_KEY) != example_gen_pb2.FORMAT_TF_EXAMPLE:
        raise _NotCovered("the payload is not tf.Example")
    if config.HasField("partition_feature_name"):
        raise _NotCovered("output_config has a partition_feature_name")
    if config.splits and len(inputs.splits) != 1:
        raise _NotCovered("there are input splits and output splits")
    if any(split.hash_buckets < 1 for split in config.splits):
        raise _NotCovered("a split has no hash buckets")
    return inputs, outputs


def _header(files: list[str]) -> tuple[str, ...]:
    """The columns of all files, as TFX reads them.

    Raises:
      _NotCovered: there are no files, or a file is not plain CSV with the same header.
    """
    if not files:
        raise _NotCovered("no files match")
    headers = set()
    for path in files:
        if is_remote(path) or not path.endswith(".csv") or fileio.isdir(path):
            raise _NotCovered(f"{path} is not a local *.csv file")
        _check_plain(path)
        headers.add(tuple(io_utils.load_csv_column_names(path)))
    header = next(iter(headers))
    if len(headers) > 1 or len(set(header)) != len(header) or len(header) < 2:
        raise _NotCovered("the files do not have one header of several different names")
    return header


def _check_plain(path: str) -> None:
    """Checks what Arrow and TFX's decoder may read differently.

    Raises:
      _NotCovered: a byte order mark, a quoted header, a blank around the header, a quote
        inside a field, or a line break inside a row.
    """
    with open_raw(path) as file:
        first = file.readline()
        header = first.rstrip(b"\r\n")
        if first.startswith(_BOM) or b'"' in first or b"\r" in header or header != header.strip():
            raise _NotCovered(f"the header of {path} is not plain")
        for number, line in enumerate(file, 2):
            if (b'"' in line or b"\r" in line) and not _PLAIN_LINE.fullmatch(line):
                raise _NotCovered(f"{path} line {number} has an unusual quote or line break")


class CsvExampleGen(component.CsvExampleGen):
    """TFX's CsvExampleGen, with its arguments and its artifacts, quicker for plain CSV files."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
