"""Transform: TFX's, with the schema handed to the user's preprocessing_fn."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from tfx import types
from tfx.components.transform import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.proto import transform_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, json_utils

from tfx_pipeline.components import user_code
from tfx_pipeline.components.outcome import refusable

_CUSTOM_CONFIG = standard_component_specs.CUSTOM_CONFIG_KEY


class Executor(executor.Executor):
    """Puts the schema's text into `custom_config["schema"]`, then does what TFX does."""

    @refusable
    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Analyses the train split, transforms train and eval."""
        user_code.load(exec_properties[standard_component_specs.PREPROCESSING_FN_KEY])
        config = json_utils.loads(exec_properties.get(_CUSTOM_CONFIG) or "null") or {}
        config["schema"] = _schema_text(input_dict)
        properties = {**exec_properties, _CUSTOM_CONFIG: json_utils.dumps(config)}
        with _without_noise():
            super().Do(input_dict, output_dict, properties)


@contextlib.contextmanager
def _without_noise() -> Iterator[None]:
    # Exporting an analysed graph warns twice for each accumulator, that "this is
    # a warning and probably safe to ignore".
    logger = logging.getLogger("tensorflow")
    logger.addFilter(_is_worth_reading)
    try:
        yield
    finally:
        logger.removeFilter(_is_worth_reading)


def _is_worth_reading(record: logging.LogRecord) -> bool:
    return "in CollectionDef" not in str(record.msg)


def _schema_text(input_dict: dict[str, list[types.Artifact]]) -> str:
    folder = artifact_utils.get_single_uri(input_dict[standard_component_specs.SCHEMA_KEY])
    with fileio.open(io_utils.get_only_uri_in_dir(folder), "r") as file:
        return file.read()


class Transform(component.Transform):
    """TFX's Transform for a `preprocessing_fn(inputs, custom_config)` by dotted path.

    Args:
      examples: raw examples.
      schema: the schema; the function finds its text at `custom_config["schema"]`.
      preprocessing_fn: dotted path of the function.
      custom_config: what else the function is given.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        schema: types.BaseChannel,
        preprocessing_fn: str,
        custom_config: dict[str, Any],
    ):
        super().__init__(
            examples=examples,
            schema=schema,
            preprocessing_fn=preprocessing_fn,
            custom_config=custom_config,
            splits_config=transform_pb2.SplitsConfig(
                analyze=["train"], transform=["train", "eval"]
            ),
            disable_statistics=True,
            disable_analyzer_cache=True,
            # Half the time; the graph is served as well as a TF 2 one.
            force_tf_compat_v1=True,
        )
