"""ExampleGen's executor: finds files, checks headers, runs the ingestion, publishes."""

from __future__ import annotations

import errno
import json
import logging
import os
import uuid
from collections.abc import Mapping
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.util import examples_utils
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils
from tfx.utils import proto_utils

from tfx_pipeline import errors
from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.common.beam_executor import BeamExecutor
from tfx_pipeline.components.common.column_kinds import Kind
from tfx_pipeline.components.common.executor_outcome import (
    causes,
    completed_output,
    reports_refusals,
)
from tfx_pipeline.components.example_gen import (
    file_changes,
    header_check,
    ingestion,
    input_files,
    split_folders,
    split_outcome,
    split_rules,
    split_writer,
    sql_handover,
    sql_spool,
    table_sources,
)
from tfx_pipeline.components.example_gen.profile import Profile
from tfx_pipeline.components.example_gen.typed_values import ColumnTypes
from tfx_pipeline.components.example_gen.work_units import make_units
from tfx_pipeline.config.schema_file import parse_schema
from tfx_pipeline.config.text_format import TextFormat
from tfx_pipeline.errors import DataRefused, Finding
from tfx_pipeline.storage.layout import is_remote

_log = logging.getLogger(__name__)

_KINDS = {schema_pb2.INT: Kind.INT, schema_pb2.FLOAT: Kind.FLOAT, schema_pb2.BYTES: Kind.BYTES}


class Executor(BeamExecutor):
    """Writes the examples to a staging folder, and moves them if there are no problems."""

    @reports_refusals
    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> execution_result_pb2.ExecutorOutput | None:
        """Ingests the data.

        Returns:
          The executor's output with the number of unreadable images; None if there are none.

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
            summary = self._ingest(exec_properties, splits, staging)
            uris = {s: artifact_utils.get_split_uri([artifact], s) for s in splits.names}
            split_writer.publish(summary.shards, uris)
        except Exception as error:
            _raise_if_disk_full(error, artifact.uri)
            raise
        finally:
            split_writer.discard(staging)
        examples_utils.set_payload_format(artifact, exec_properties["output_data_format"])
        examples_utils.set_file_format(artifact, "tfrecords_gzip")
        note = summary.images.note
        if not note:
            return None
        return completed_output(output_dict, note, summary.images.findings)

    def _ingest(
        self, exec_properties: dict[str, Any], splits: split_writer.Splits, staging: str
    ) -> ingestion.Summary:
        sql = exec_properties.get("sql")
        if not sql:
            by_split = _files(exec_properties)
            files = [path for paths in by_split.values() for path in paths]
            with file_changes.refused(files, exec_properties):
                source = source_of(exec_properties, files)
                return self._convert(by_split, source, splits, staging)
        spool = sql_handover.take(sql, exec_properties.get("input_fingerprint"))
        try:
            if not spool.rows:
                found = "the query returned no rows"
                raise DataRefused(
                    f"there is no data: {found}. See data.query and data.table",
                    [Finding("(query)", "no rows", found)],
                )
            files = self._shared(spool, staging)
            return self._convert({"": files}, source_of(exec_properties, files), splits, staging)
        finally:
            spool.discard()

    def _shared(self, spool: sql_spool.Spool, staging: str) -> list[str]:
        """The rows' files, where Beam's workers can read them."""
        if not self._beam_pipeline_args:
            return list(spool.files)
        folder = os.path.join(staging, "rows")
        fileio.makedirs(folder)
        copies = [os.path.join(folder, os.path.basename(path)) for path in spool.files]
        for path, copy in zip(spool.files, copies):
            fileio.copy(path, copy)
        return copies

    def _convert(
        self,
        files: dict[str, list[str]],
        source: table_sources.Source,
        splits: split_writer.Splits,
        staging: str,
    ) -> ingestion.Summary:
        units = make_units(files)
        names = [path for paths in files.values() for path in paths]
        with self._make_beam_pipeline() as pipeline:
            ingestion.run(pipeline, units, source, splits, staging)
        summary = ingestion.read_summary(staging, units)
        _refuse_problems(summary.profile)
        source.images.refuse(summary.images)
        if note := summary.images.note:
            _log.warning("ExampleGen: %s", note)
        split_outcome.refuse_empty(summary.shards, names, splits)
        return summary


def source_of(exec_properties: Mapping[str, Any], files: list[str]) -> table_sources.Source:
    """How the files are read.

    Raises:
      DataRefused: their headers are wrong.
    """
    text = TextFormat.from_json(exec_properties["text"])
    types = ColumnTypes.of(
        read_types(exec_properties.get("schema_path")),
        json.loads(exec_properties["columns"]),
        text.missing,
    )
    return header_check.make_source(
        files,
        exec_properties["format"],
        text,
        json.loads(exec_properties["exclude"]),
        types,
        exec_properties["input_base"],
    )


def _splits(exec_properties: dict[str, Any]) -> split_writer.Splits:
    config = example_gen_pb2.Output()
    proto_utils.json_to_proto(exec_properties["output_config"], config)
    buckets = tuple((s.name, s.hash_buckets) for s in config.split_config.splits)
    rule = json.loads(exec_properties.get("split_rule") or "null")
    if rule is None or rule["kind"] == split_folders.FOLDERS:
        return split_writer.Splits(buckets)
    return split_writer.Splits(buckets, split_rules.Rule(**rule))


def _files(exec_properties: dict[str, Any]) -> dict[str, list[str]]:
    """The files by split; all under "" if the rows are divided."""
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(exec_properties["input_config"], config)
    by_split: dict[str, list[str]] = {}
    folders = "folders" in (exec_properties.get("split_rule") or "")
    for split in config.splits:
        found = _files_of(split.pattern, exec_properties)
        by_split.setdefault(split.name if folders else "", []).extend(found)
    return by_split


def _files_of(pattern: str, exec_properties: dict[str, Any]) -> list[str]:
    base = exec_properties["input_base"]
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
        "Correct the data, or the column's type in columns or in the schema",
        profile.findings,
    )


def _raise_if_disk_full(error: BaseException, uri: str) -> None:
    for link in causes(error):
        full = isinstance(link, OSError) and link.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or "No space left on device" in str(link):
            raise errors.PipelineError(
                f"no space left while writing examples to {uri}. Free some space and run again"
            ) from None
