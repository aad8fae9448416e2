"""ExampleGen's executor: finds files, checks headers, runs the ingestion, publishes."""

from __future__ import annotations

import errno
import json
import logging
import os
import uuid
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.util import examples_utils
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.utils import proto_utils

from tfx_pipeline import errors
from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.common.beam_executor import BeamExecutor
from tfx_pipeline.components.common.column_kinds import Kind
from tfx_pipeline.components.common.executor_outcome import causes, reports_refusals
from tfx_pipeline.components.example_gen import (
    header_check,
    ingestion,
    input_files,
    split_writer,
)
from tfx_pipeline.components.example_gen.profile import Profile
from tfx_pipeline.components.example_gen.work_units import make_units
from tfx_pipeline.config.schema_file import parse_schema
from tfx_pipeline.errors import DataRefused, Finding
from tfx_pipeline.storage.layout import is_remote

_log = logging.getLogger(__name__)

_KINDS = {schema_pb2.INT: Kind.INT, schema_pb2.FLOAT: Kind.FLOAT, schema_pb2.BYTES: Kind.BYTES}


class Executor(BeamExecutor):
    """Writes the examples to a staging folder, and moves them if there are no problems."""

    @reports_refusals
    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Ingests the data.

        Raises:
          DataRefused: the data cannot be read, or does not have the schema's types.
          PipelineError: the disk is full.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict["examples"])
        splits = _splits(exec_properties)
        artifact.split_names = artifact_utils.encode_split_names(splits.names)
        staging = os.path.join(artifact.uri, f".ingest-{uuid.uuid4().hex}")
        try:
            shards = self._ingest(exec_properties, splits, staging)
            uris = {s: artifact_utils.get_split_uri([artifact], s) for s in splits.names}
            split_writer.publish(shards, uris)
        except Exception as error:
            _raise_if_disk_full(error, artifact.uri)
            raise
        finally:
            split_writer.discard(staging)
        examples_utils.set_payload_format(artifact, exec_properties["output_data_format"])
        examples_utils.set_file_format(artifact, "tfrecords_gzip")

    def _ingest(
        self, exec_properties: dict[str, Any], splits: split_writer.Splits, staging: str
    ) -> list[split_writer.Shards]:
        files = _files(exec_properties)
        source = header_check.make_source(
            files,
            exec_properties["format"],
            exec_properties["delimiter"],
            json.loads(exec_properties["exclude"]),
            read_types(exec_properties.get("schema_path")),
        )
        units = make_units(files)
        with self._make_beam_pipeline() as pipeline:
            ingestion.run(pipeline, units, source, splits, staging)
        summary = ingestion.read_summary(staging, units)
        _refuse_problems(summary.profile)
        _refuse_empty(summary.shards, files)
        return summary.shards


def _splits(exec_properties: dict[str, Any]) -> split_writer.Splits:
    config = example_gen_pb2.Output()
    proto_utils.json_to_proto(exec_properties["output_config"], config)
    return split_writer.Splits(tuple((s.name, s.hash_buckets) for s in config.split_config.splits))


def _files(exec_properties: dict[str, Any]) -> list[str]:
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(exec_properties["input_config"], config)
    base, pattern = exec_properties["input_base"], config.splits[0].pattern
    if not os.path.exists(base) and "*" in pattern and not is_remote(base):
        where, rule = base, "does not exist"
    else:
        where, rule = os.path.join(base, pattern), "no files"
    files = input_files.list_files(base, pattern, exec_properties["format"])
    fingerprint = exec_properties.get("input_fingerprint") or ""
    unusual = fingerprint.removeprefix(input_files.NO_FILES)
    if fingerprint.startswith(input_files.NO_FILES) and unusual:
        rule = "every folder or file that matches the pattern is a span"
        raise DataRefused(
            f"{where}: {unusual}. Move it away, or choose another pattern in data.path",
            [Finding(where, rule, unusual)],
        )
    if not files:
        expected = input_files.expected_names(exec_properties["format"])
        raise DataRefused(
            f"there is no data: {where}: {rule}. Expected {expected}; see data.path",
            [Finding(where, rule, f"expected {expected}")],
        )
    return files


def read_types(schema_path: str | None) -> dict[str, Kind]:
    """The kinds of the columns in a schema.

    Args:
      schema_path: a local or remote file; None for no schema.

    Raises:
      PipelineError: the schema cannot be read or parsed.
    """
    if not schema_path:
        return {}
    try:
        with fileio.open(schema_path, "r") as file:
            schema = parse_schema(file.read())
    except Exception as error:
        raise errors.PipelineError(
            f"the schema {schema_path} cannot be read: {error}. See schema.path"
        ) from error
    return {f.name: _KINDS[f.type] for f in schema.feature if f.type in _KINDS}


def _refuse_problems(profile: Profile) -> None:
    if not profile.problems:
        return
    first = profile.findings[0]
    more = f" and {profile.problems - 1} more" if profile.problems > 1 else ""
    raise DataRefused(
        f"the data cannot be used: {first.subject}: {first.rule}: {first.found}{more}. "
        "Correct the data, or the column's type in the schema",
        profile.findings,
    )


def _refuse_empty(shards: list[split_writer.Shards], files: list[str]) -> None:
    rows = {name: sum(shard.rows[name] for shard in shards) for name in shards[0].rows}
    total = sum(rows.values())
    _log.info("ExampleGen: %d rows from %d files: %s", total, len(files), rows)
    if total == 0:
        found = "only a header" if len(files) == 1 else f"no rows in {len(files)} files"
        raise DataRefused(
            f"there is no data: {files[0]}: {found}", [Finding(files[0], "no rows", found)]
        )
    empty = [name for name, count in rows.items() if count == 0]
    if empty:
        rule, found = "split without rows", f"{total} rows in all are too few"
        raise DataRefused(
            f"the data is too small: {', '.join(empty)} got no rows, there are {total} in all. "
            "Provide more data or change data.split",
            [Finding(name, rule, found) for name in empty],
        )


def _raise_if_disk_full(error: BaseException, uri: str) -> None:
    for link in causes(error):
        full = isinstance(link, OSError) and link.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or "No space left on device" in str(link):
            raise errors.PipelineError(
                f"no space left while writing examples to {uri}. Free some space and run again"
            ) from None
