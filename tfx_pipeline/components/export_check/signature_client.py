"""Asks a served model about rows, through every signature that takes rows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_pipeline.compat.saved_model_session import ServedModel
from tfx_pipeline.components.export_check.adversarial_rows import Row
from tfx_pipeline.components.export_check.input_encoders import (
    ColumnsInput,
    ExamplesInput,
    input_of,
)

_log = logging.getLogger(__name__)

Answer = dict[str, np.ndarray]


class SignatureClient:
    """Questions to a model.

    Args:
      model: who is asked.
      columns: names of the raw columns.

    Attributes:
      inputs: the signatures that can be fed with raw rows, and how.
    """

    def __init__(self, model: ServedModel, columns: Sequence[str]):
        self.model = model
        self.inputs: dict[str, ExamplesInput | ColumnsInput] = {}
        for name, definition in sorted(model.signatures.items()):
            inputs = input_of(definition, columns)
            if inputs is None:
                _log.warning("ExportCheck: %s takes no raw rows; it was not checked", name)
            else:
                self.inputs[name] = inputs

    def ask(self, rows: Sequence[Row]) -> tuple[dict[str, Answer], dict[str, Exception]]:
        """Answers, or what went wrong, by signature."""
        answers, errors = {}, {}
        for name, inputs in self.inputs.items():
            try:
                answers[name] = self.model.call(name, inputs.feed(rows))
            except Exception as error:
                errors[name] = error
        return answers, errors

    def ask_request(self, signature: str, values: Mapping[str, Any]) -> None:
        """Sends one request as it is; raises what the model raises."""
        self.model.call(signature, values)
