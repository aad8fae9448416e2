"""The fingerprint of the images that a table names by their paths.

So a changed image runs ExampleGen again, although the table is the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfx.proto import example_gen_pb2
from tfx.utils import proto_utils

from tfx_pipeline.components.example_gen import input_files

START = "\nimages:"
"""How the fingerprint of the images begins; it follows that of the table."""


def fingerprint(exec_properties: Mapping[str, Any]) -> str:
    """The fingerprint of the images, for the driver; empty if the table names none.

    Args:
      exec_properties: with the resolved `input_config`.
    """
    declared = json.loads(exec_properties.get("columns") or "{}")
    if not any(column["type"] == "image" for column in declared.values()):
        return ""
    from tfx_pipeline.components.example_gen import executor  # it imports much

    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(exec_properties["input_config"], config)
    base, file_format = exec_properties["input_base"], exec_properties["format"]
    files = [p for s in config.splits for p in input_files.list_files(base, s.pattern, file_format)]
    if not files:
        return ""
    try:
        source = executor.source_of(exec_properties, files)
        found = input_files.digest_of(path for file in files for path in source.image_files(file))
    except Exception:  # of many kinds: the executor reads the same files and says what is wrong
        return ""
    return f"{START}{found}"
