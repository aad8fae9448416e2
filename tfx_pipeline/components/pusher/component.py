"""Pusher: TFX's, but a model appears in the push folder whole or not at all.

TFX's Pusher copies in place, pushes without blessings when they are missing, and
says "pushed" when a version of this second is there already.
"""

from __future__ import annotations

import logging
from typing import Any

from tfx import types
from tfx.components.pusher import component, executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter
from tfx.utils import io_utils, proto_utils

from tfx_pipeline.components.common.executor_outcome import refusable
from tfx_pipeline.components.pusher import versioned_folder
from tfx_pipeline.errors import Finding, Refused

_log = logging.getLogger(__name__)

_BLESSINGS = {
    standard_component_specs.MODEL_BLESSING_KEY: "the Evaluator",
    standard_component_specs.INFRA_BLESSING_KEY: "the export check",
}


class PusherSpec(standard_component_specs.PusherSpec):
    """TFX's PusherSpec with every input required."""

    INPUTS = {
        standard_component_specs.MODEL_KEY: ChannelParameter(type=standard_artifacts.Model),
        standard_component_specs.MODEL_BLESSING_KEY: ChannelParameter(
            type=standard_artifacts.ModelBlessing
        ),
        standard_component_specs.INFRA_BLESSING_KEY: ChannelParameter(
            type=standard_artifacts.InfraBlessing
        ),
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


class Pusher(component.Pusher):
    """Pushes a blessed model to a folder that a model server watches.

    Args:
      model: the Trainer's model.
      model_blessing: the Evaluator's.
      infra_blessing: the export check's.
      push_dir: the folder; versions are its subfolders.
    """

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        push_dir: str,
    ):
        spec = PusherSpec(
            model=model,
            model_blessing=model_blessing,
            infra_blessing=infra_blessing,
            push_destination=pusher_pb2.PushDestination(
                filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=push_dir)
            ),
            pushed_model=types.Channel(type=standard_artifacts.PushedModel),
        )
        # TFX's own constructor builds a spec in which blessings are optional.
        base_component.BaseComponent.__init__(self, spec=spec)
