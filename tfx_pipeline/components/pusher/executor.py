"""Pusher's executor: a model appears in the push folder completely or not at all.

TFX's executor copies in place, pushes without blessings when they are missing, and
reports "pushed" when a version with this second's number exists already.
"""

from __future__ import annotations

import logging
from typing import Any

from tfx.components.pusher import executor
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, proto_utils

from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.common.executor_outcome import reports_refusals
from tfx_pipeline.components.pusher import versioned_folder
from tfx_pipeline.errors import Finding, Refused

_log = logging.getLogger(__name__)

_BLESSINGS = {
    standard_component_specs.MODEL_BLESSING_KEY: "the Evaluator",
    standard_component_specs.INFRA_BLESSING_KEY: "the export check",
}


class Executor(executor.Executor):
    """Pushes a model that both gates blessed."""

    @reports_refusals
    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Copies the model to a staging folder and, at last, renames that to the version.

        A model that is not blessed is not pushed. Then the property `pushed` of the
        output is 0, as in TFX.

        Raises:
          Refused: a blessing is missing.
          PipelineError: the push folder cannot be written.
        """
        if exec_properties.get("require_blessings"):
            _require_blessings(input_dict)
        pushed_model = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed_model)
            return
        model = self.GetModelPath(input_dict)
        push_destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], push_destination
        )
        # As in TFX, the artifact has a copy, which remains when the push folder is cleaned up.
        # It is made first: after the version is live nothing can fail any more.
        io_utils.copy_dir(model, pushed_model.uri)
        destination = versioned_folder.push(
            model, push_destination.filesystem.base_directory, pushed_by=pushed_model.uri
        )
        self._MarkPushed(
            pushed_model,
            pushed_destination=destination,
            pushed_version=destination.rpartition("/")[2],
        )
        _log.info("Pusher: %s", destination)


def _require_blessings(input_dict: Artifacts) -> None:
    missing = [giver for key, giver in _BLESSINGS.items() if not input_dict.get(key)]
    if missing:
        findings = [Finding("model", f"blessed by {giver}", "no blessing") for giver in missing]
        raise Refused(
            f"nothing was pushed: no blessing from {' and '.join(missing)}. "
            "Both must have examined the model",
            findings,
        )
