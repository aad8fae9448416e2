"""ExampleGen's driver: finds span and version, and computes the content's fingerprint.

It has few imports: a node whose result is in the cache imports only the driver.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tfx.components.example_gen import driver, input_processor, utils
from tfx.utils import proto_utils

from tfx_pipeline.components.example_gen import input_files

_NOT_A_SPAN = ("Cannot find span ", "Cannot find version ", "Retrieved date is invalid")
"""How TFX's errors begin about a path that matches the pattern, but has no number or date."""


class _InputProcessor(input_processor.FileBasedInputProcessor):
    """TFX's spans and versions, with a fingerprint of the content."""

    def __init__(self, base: str, splits: Iterable[Any], range_config: Any, file_format: str):
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
        fingerprints = []
        for split in self._patterns:
            pattern = self.get_pattern_for_span_version(split.pattern, span, version)
            files = input_files.list_files(self._base, pattern, self._format)
            fingerprints.append(input_files.fingerprint(split.name, files))
        return "\n".join(fingerprints)

    def get_pattern_for_span_version(self, pattern: str, span: int, version: int | None) -> str:
        """The pattern with span and version filled in; unchanged if no file matched."""
        if not self._has_files:
            return pattern
        return super().get_pattern_for_span_version(pattern, span, version)


class Driver(driver.FileBasedDriver):
    """TFX's driver; the data path may be a folder, a file, or contain {SPAN} and the like."""

    _format = "csv"

    def get_input_processor(
        self, splits: Any, range_config: Any = None, input_base_uri: str | None = None
    ) -> _InputProcessor:
        """Returns the processor that computes a fingerprint of the content."""
        return _InputProcessor(input_base_uri or "", splits, range_config, self._format)

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """Splits the data path into folder and pattern, then resolves them as TFX does."""
        self._format = exec_properties["format"]
        base, pattern = input_files.split_pattern(exec_properties["input_base"])
        exec_properties["input_base"] = base
        exec_properties["input_config"] = proto_utils.proto_to_json(
            utils.make_default_input_config(pattern)
        )
        return super().resolve_exec_properties(exec_properties, pipeline_info, component_info)
