"""ExampleGen's driver: finds span and version, and computes the content's fingerprint.

It has few imports: a node whose result is in the cache imports only the driver.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tfx.components.example_gen import driver, input_processor, utils
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.utils import proto_utils

from tfx_pipeline.components.example_gen import image_changes, input_files, split_folders

_NOT_A_SPAN = ("Cannot find span ", "Cannot find version ", "Retrieved date is invalid")
"""How TFX's errors begin about a path that matches the pattern, but has no number or date."""


class _InputProcessor(input_processor.FileBasedInputProcessor):
    """TFX's spans and versions, with a fingerprint of the content."""

    def __init__(self, base: str, splits: Iterable[Any], range_config: Any, file_format: str):
        if range_config is not None and range_config.HasField("rolling_range"):
            # TFX's finds one span only; the driver adds the others.
            window = range_config_pb2.RollingRange(num_spans=1)
            range_config = range_config_pb2.RangeConfig(rolling_range=window)
        super().__init__(base, splits, range_config)
        self._base, self._patterns, self._format = base, splits, file_format
        self._has_files = True
        self._unusual = ""

    def resolve_span_and_version(self) -> tuple[int, int | None]:
        """The newest span and version; 0 if no file matches, which the executor refuses."""
        try:
            return super().resolve_span_and_version()
        except ValueError as error:
            self._has_files = False
            text = str(error)
            if text.startswith(_NOT_A_SPAN):
                self._unusual = text
            return 0, None

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        """A fingerprint of the files' names and contents."""
        if not self._has_files:
            return f"{input_files.NO_FILES}{self._unusual}"
        patterns = [
            (split.name, self.get_pattern_for_span_version(split.pattern, span, version))
            for split in self._patterns
        ]
        return input_files.fingerprint_of_all(self._base, patterns, self._format)

    def get_pattern_for_span_version(self, pattern: str, span: int, version: int | None) -> str:
        """The pattern with span and version filled in; unchanged if no file matched."""
        if not self._has_files:
            return pattern
        return super().get_pattern_for_span_version(pattern, span, version)


class _SqlProcessor(input_processor.InputProcessor):
    """Reads the rows of a query, for their fingerprint; the executor takes them over."""

    def __init__(self, splits: Iterable[Any], sql: str):
        super().__init__(splits, None)
        self._query = sql

    def resolve_span_and_version(self) -> tuple[int, int | None]:
        """A query has no spans."""
        return 0, None

    def get_latest_span(self) -> int:
        """A query has no spans."""
        return 0

    def get_pattern_for_span_version(self, pattern: str, span: int, version: int | None) -> str:
        """The pattern, which a query does not use."""
        return pattern

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        """A fingerprint of the rows."""
        from tfx_pipeline.components.example_gen import sql_handover

        return sql_handover.read(self._query)


def _input_config(pattern: str, exec_properties: Mapping[str, Any]) -> example_gen_pb2.Input:
    """The files to read; with the rule `folders` those of each split."""
    rule = json.loads(exec_properties.get("split_rule") or "{}")
    if rule.get("kind") != split_folders.FOLDERS:
        return utils.make_default_input_config(pattern)
    output = example_gen_pb2.Output()
    proto_utils.json_to_proto(exec_properties["output_config"], output)
    names = [split.name for split in output.split_config.splits]
    patterns = split_folders.patterns(pattern, names)
    return example_gen_pb2.Input(
        splits=[example_gen_pb2.Input.Split(name=n, pattern=p) for n, p in patterns.items()]
    )


class Driver(driver.FileBasedDriver):
    """TFX's driver; the data path may be a folder, a file, or contain {SPAN} and the like."""

    _format = "csv"
    _sql: str | None = None

    def get_input_processor(
        self, splits: Any, range_config: Any = None, input_base_uri: str | None = None
    ) -> input_processor.InputProcessor:
        """Returns the processor that computes a fingerprint of the content."""
        if self._sql:
            return _SqlProcessor(splits, self._sql)
        return _InputProcessor(input_base_uri or "", splits, range_config, self._format)

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """Splits the data path into folder and pattern, then resolves them as TFX does."""
        self._format, self._sql = exec_properties["format"], exec_properties.get("sql")
        if self._sql:
            return super().resolve_exec_properties(exec_properties, pipeline_info, component_info)
        base, pattern = input_files.split_pattern(exec_properties["input_base"])
        exec_properties["input_base"] = base
        exec_properties["input_config"] = proto_utils.proto_to_json(
            _input_config(pattern, exec_properties)
        )
        patterns = exec_properties["input_config"]
        found = super().resolve_exec_properties(exec_properties, pipeline_info, component_info)
        found = self._with_earlier_spans(found, patterns)
        found["input_fingerprint"] += image_changes.fingerprint(found)
        return found

    def _with_earlier_spans(self, found: dict[str, Any], patterns: str) -> dict[str, Any]:
        """Adds the files of a rolling window's other spans; TFX's driver takes the newest."""
        ranges, config = range_config_pb2.RangeConfig(), example_gen_pb2.Input()
        if found.get("range_config"):
            proto_utils.json_to_proto(found["range_config"], ranges)
        proto_utils.json_to_proto(found["input_config"], config)
        newest, fingerprints = found["span"], [found["input_fingerprint"]]
        for span in range(newest - 1, newest - ranges.rolling_range.num_spans, -1):
            earlier = example_gen_pb2.Input()
            proto_utils.json_to_proto(patterns, earlier)
            one = range_config_pb2.StaticRange(start_span_number=span, end_span_number=span)
            only = range_config_pb2.RangeConfig(static_range=one)
            processor = self.get_input_processor(earlier.splits, only, found["input_base"])
            _, version = processor.resolve_span_and_version()
            fingerprint = processor.get_input_fingerprint(span, version) or ""
            if fingerprint.startswith(input_files.NO_FILES):
                continue  # there is no such span
            fingerprints.append(fingerprint)
            for split in earlier.splits:
                pattern = processor.get_pattern_for_span_version(split.pattern, span, version)
                config.splits.add(name=split.name, pattern=pattern)
        found["input_config"] = proto_utils.proto_to_json(config)
        found["input_fingerprint"] = "\n".join(fingerprints)
        return found
