"""ExampleGen's driver: which span and version, and whether the content has changed.

Light: a node from the cache imports the driver and not the executor.
"""

from __future__ import annotations

from typing import Any

from tfx.components.example_gen import driver, input_processor, utils
from tfx.utils import proto_utils

from tfx_pipeline.components.example_gen import input_files


class _InputProcessor(input_processor.FileBasedInputProcessor):
    """TFX's spans and versions; the fingerprint is of the content."""

    def __init__(self, base: str, splits: Any, range_config: Any, file_format: str):
        super().__init__(base, splits, range_config)
        self._format = file_format

    def resolve_span_and_version(self) -> tuple[int, int | None]:
        """The newest span and version, 0 when no file matches: the executor refuses."""
        try:
            span, version = super().resolve_span_and_version()
        except ValueError:
            self._fingerprint = "no files"
            return 0, None
        fingerprints = []
        for split in self._splits:
            pattern = self.get_pattern_for_span_version(split.pattern, span, version)
            files = input_files.list_files(self._input_base_uri, pattern, self._format)
            fingerprints.append(input_files.fingerprint(split.name, files))
        self._fingerprint = "\n".join(fingerprints)
        return span, version

    def get_pattern_for_span_version(self, pattern: str, span: int, version: int | None) -> str:
        """The pattern with span and version filled in; as it is when nothing matched."""
        if self._fingerprint == "no files":
            return pattern
        return super().get_pattern_for_span_version(pattern, span, version)


class Driver(driver.FileBasedDriver):
    """TFX's driver; the data path may be a folder, a file or hold {SPAN} and the like."""

    _format = "csv"

    def get_input_processor(
        self, splits: Any, range_config: Any = None, input_base_uri: str | None = None
    ) -> _InputProcessor:
        """Returns the processor that fingerprints content."""
        return _InputProcessor(input_base_uri, splits, range_config, self._format)

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """Splits the data path into folder and pattern, then does what TFX does."""
        self._format = exec_properties["format"]
        base, pattern = input_files.split_pattern(exec_properties["input_base"])
        exec_properties["input_base"] = base
        exec_properties["input_config"] = proto_utils.proto_to_json(
            utils.make_default_input_config(pattern)
        )
        return super().resolve_exec_properties(exec_properties, pipeline_info, component_info)
