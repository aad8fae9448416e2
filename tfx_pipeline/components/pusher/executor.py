"""Pusher's executor: a model appears in the push folder completely or not at all.

TFX's executor copies in place, pushes without blessings when they are missing, and
reports "pushed" when a version with this second's number exists already.
"""

from __future__ import annotations

import logging
from typing import Any

from tfx import types
from tfx.components.pusher import executor
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, proto_utils

from tfx_pipeline.components.common.executor_outcome import refusable
from tfx_pipeline.components.pusher import versioned_folder
from tfx_pipeline.errors import Finding, Refused

_log = logging.getLogger(__name__)

_BLESSINGS = {
    standard_component_specs.MODEL_BLESSING_KEY: "the Evaluator",
    standard_component_specs.INFRA_BLESSING_KEY: "the export check",
}


class Executor(executor.Executor):
    """Pushes a model that both gates blessed."""

    @refusable
    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copies the model aside and renames it to its version.

        A model that is not blessed is not pushed; the pushed model's property
        `pushed` is 0 then, as TFX has it.

        Raises:
          Refused: a blessing is missing.
          PipelineError: the push folder cannot be written.
        """
        _require_blessings(input_dict)
        pushed_model = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed_model)
            return
        model = self.GetModelPath(input_dict)
        destination = versioned_folder.push(model, _push_dir(exec_properties))
        # TFX keeps a copy: the pushed model outlives the push folder's clean-up.
        io_utils.copy_dir(model, pushed_model.uri)
        self._MarkPushed(
            pushed_model,
            pushed_destination=destination,
            pushed_version=destination.rpartition("/")[2],
        )
        _log.info("Pusher: %s", destination)


def _require_blessings(input_dict: dict[str, list[types.Artifact]]) -> None:
    missing = [giver for key, giver in _BLESSINGS.items() if not input_dict.get(key)]
    if missing:
        findings = [Finding("model", f"blessed by {giver}", "no blessing") for giver in missing]
        raise Refused(
            f"nothing was pushed: no blessing from {' and '.join(missing)}. "
            "Both must have looked at the model",
            findings,
        )


def _push_dir(exec_properties: dict[str, Any]) -> str:
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(
        exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
    )
    return destination.filesystem.base_directory
