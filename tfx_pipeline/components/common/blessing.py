"""A blessing as TFX writes it: a file and a property; ours also names the model and the reasons."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence

from tfx import types
from tfx.components.evaluator import constants
from tfx.utils import io_utils

from tfx_pipeline.errors import Finding


def write(
    blessing: types.Artifact,
    model: types.Artifact,
    findings: Sequence[Finding],
    blessed_file: str,
    not_blessed_file: str,
) -> None:
    """Blesses a model that has no findings.

    Args:
      blessing: a ModelBlessing or an InfraBlessing. Its properties name the model, as
        TFX's Evaluator does it, and list the findings.
      model: the model that was examined.
      findings: why the model is not blessed; empty when it is.
      blessed_file: the name of the empty file that is written for a blessed model.
      not_blessed_file: the name for a model that is not blessed.
    """
    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri
    )
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    if findings:
        rows = [dataclasses.asdict(finding) for finding in findings]
        blessing.set_string_custom_property("findings", json.dumps(rows))
    name = not_blessed_file if findings else blessed_file
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    # Read by TFX's Pusher, which has the same name and values for both kinds of blessing.
    value = constants.NOT_BLESSED_VALUE if findings else constants.BLESSED_VALUE
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
