"""Asks a served model about rows, through every signature that takes rows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_pipeline.components.common.saved_model_session import ServedModel
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
      stand_in: a row that asks the other signatures when only one matters.

    Attributes:
      inputs: the signatures that can be fed with raw rows, and how.
    """

    def __init__(self, model: ServedModel, columns: Sequence[str], stand_in: Row):
        self.model = model
        self.inputs: dict[str, ExamplesInput | ColumnsInput] = {}
        for name, definition in sorted(model.signatures.items()):
            inputs = input_of(definition, columns)
            if inputs is None:
                _log.warning("ExportCheck: %s takes no raw rows; it was not checked", name)
            else:
                self.inputs[name] = inputs
        self._stand_in = stand_in

    def ask(self, rows: Sequence[Row]) -> tuple[dict[str, Answer], dict[str, Exception]]:
        """Answers, or what went wrong, by signature."""
        if not self.inputs:
            return {}, {}
        try:
            return self.model.call_together(self._feed(rows)), {}
        except Exception as error:
            _log.info("ExportCheck: not all signatures answer: %s", type(error).__name__)
        answers, errors = {}, {}
        for name, inputs in self.inputs.items():
            try:
                answers[name] = self.model.call(name, inputs.feed(rows))
            except Exception as error:
                errors[name] = error
        return answers, errors

    def ask_request(self, signature: str, values: Mapping[str, Any]) -> None:
        """Sends one request as it is; raises what the model raises."""
        feed = self._feed([self._stand_in])
        if signature in feed:
            self.model.call_together({**feed, signature: values})
        else:
            self.model.call(signature, values)

    def _feed(self, rows: Sequence[Row]) -> dict[str, dict[str, np.ndarray]]:
        return {name: inputs.feed(rows) for name, inputs in self.inputs.items()}
