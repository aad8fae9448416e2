"""Pusher: TFX's component with both blessings required."""

from __future__ import annotations

from tfx import types
from tfx.components.pusher import component
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter

from tfx_pipeline.components.pusher.executor import Executor


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


class Pusher(component.Pusher):
    """Pushes a blessed model to a folder that a model server watches.

    Args:
      model: the Trainer's model.
      model_blessing: the Evaluator's blessing.
      infra_blessing: the export check's blessing.
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
        # The constructor of TFX's class would make a spec with optional blessings.
        base_component.BaseComponent.__init__(self, spec=spec)
