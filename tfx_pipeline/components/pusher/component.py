"""Pusher: TFX's component with both blessings required."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.components.pusher import component
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from tfx_pipeline.components.pusher.executor import Executor


class PusherSpec(standard_component_specs.PusherSpec):
    """TFX's PusherSpec with every input required."""

    PARAMETERS = {
        **standard_component_specs.PusherSpec.PARAMETERS,
        "require_blessings": ExecutionParameter(type=int),
    }
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

    Either with `push_dir`: then both blessings are required. Or with the arguments of TFX's
    Pusher: then, as there, a blessing that is not connected is not needed. In both cases the
    version appears by rename.

    Args:
      model: the Trainer's model.
      model_blessing: the Evaluator's blessing.
      infra_blessing: the export check's blessing.
      push_dir: the folder; versions are its subfolders.
      tfx_arguments: the other arguments of TFX's Pusher, such as `push_destination`.
    """

    SPEC_CLASS = standard_component_specs.PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel | None = None,
        model_blessing: types.BaseChannel | None = None,
        infra_blessing: types.BaseChannel | None = None,
        *tfx_positional: Any,
        push_dir: str | None = None,
        **tfx_arguments: Any,
    ):
        if push_dir is None:
            blessings = (model_blessing, infra_blessing)
            super().__init__(model, *blessings, *tfx_positional, **tfx_arguments)
            return
        spec = PusherSpec(
            model=model,
            model_blessing=model_blessing,
            infra_blessing=infra_blessing,
            push_destination=pusher_pb2.PushDestination(
                filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=push_dir)
            ),
            require_blessings=1,
            pushed_model=types.Channel(type=standard_artifacts.PushedModel),
        )
        # The constructor of TFX's class would make a spec with optional blessings.
        base_component.BaseComponent.__init__(self, spec=spec)
