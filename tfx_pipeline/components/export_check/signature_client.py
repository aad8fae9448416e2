"""Sends rows to a served model, through every signature that accepts raw rows."""

from __future__ import annotations

import dataclasses
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

Outputs = dict[str, np.ndarray]
"""A signature's outputs by name."""


class SignatureClient:
    """A client of all signatures of one model.

    Args:
      model: the model.
      columns: names of the raw columns.

    Attributes:
      model: the model.
      inputs: how rows are encoded, for each signature that accepts raw rows.
    """

    def __init__(self, model: ServedModel, columns: Sequence[str]):
        self.model = model
        self.inputs: dict[str, ExamplesInput | ColumnsInput] = {}
        for name, definition in sorted(model.signatures.items()):
            inputs = input_of(name, definition, columns)
            if inputs is None:
                _log.warning("ExportCheck: %s does not accept raw rows; it was not checked", name)
            else:
                self.inputs[name] = inputs

    def add_labels_where_needed(self, row: Row, except_for: str) -> list[str]:
        """Signatures that answer only examples with a label get such ones from now on.

        TFX's templates export `transform_features`, which the Evaluator calls with whole rows.

        Args:
          row: a real row.
          except_for: the signature that clients call, without labels.

        Returns:
          The signatures' names.
        """
        changed = []
        for name, inputs in self.inputs.items():
            if isinstance(inputs, ExamplesInput) and name != except_for and row.label is not None:
                labelled = dataclasses.replace(inputs, with_label=True)
                if not self._answers(name, inputs, row) and self._answers(name, labelled, row):
                    changed.append(name)
                    self.inputs[name] = labelled
        return changed

    def _answers(self, name: str, inputs: ExamplesInput, row: Row) -> bool:
        try:
            self.model.call(name, inputs.feed([row]))
        except Exception:
            return False
        return True

    def call_all(self, rows: Sequence[Row]) -> tuple[dict[str, Outputs], dict[str, Exception]]:
        """Sends a batch of rows to all signatures.

        Returns:
          The outputs of the signatures that succeed, and the errors of those that fail.
        """
        outputs: dict[str, Outputs] = {}
        errors: dict[str, Exception] = {}
        for name, inputs in self.inputs.items():
            try:
                outputs[name] = self.model.call(name, inputs.feed(rows))
            except Exception as error:
                errors[name] = error
        return outputs, errors

    def send(self, signature: str, values: Mapping[str, Any]) -> None:
        """Sends one request unchanged.

        Args:
          signature: its name.
          values: the request's values by input name.

        Raises:
          Exception: whatever TensorFlow raises when the model fails.
        """
        self.model.call(signature, values)
