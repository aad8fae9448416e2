"""ExportCheck's executor: loads the model, calls every signature, compares, blesses.

The model is loaded as TensorFlow Serving loads it and called through every signature,
with real rows and with adversarial ones.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from tfx_pipeline.components.common import example_files
from tfx_pipeline.components.common.executor_outcome import refusable
from tfx_pipeline.components.common.saved_model_session import ServedModel, reason
from tfx_pipeline.components.export_check import adversarial_rows, checks, reference
from tfx_pipeline.components.export_check.signature_client import Answer, SignatureClient
from tfx_pipeline.errors import Finding, NodeError

_log = logging.getLogger(__name__)

# As TFX's InfraValidator has them.
_BLESSED, _FINDINGS = "blessed", "findings"
_BLESSED_FILE, _NOT_BLESSED_FILE = "INFRA_BLESSED", "INFRA_NOT_BLESSED"

_SPLIT, _REAL_ROWS = "test", 64
_MOST_FINDINGS = 50


class Executor(base_executor.BaseExecutor):
    """Checks and blesses; what it finds is in the blessing's property `findings`."""

    @refusable
    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Completes whatever the model does: a refusal is a blessing that says 0.

        Raises:
          NodeError: there are no rows to ask about.
        """
        label = exec_properties["label"]
        model = artifact_utils.get_single_instance(input_dict["model"])
        files = example_files.files(input_dict["examples"], _SPLIT)
        real = adversarial_rows.real_rows(example_files.head(files, _REAL_ROWS), label)
        if not real:
            raise NodeError("the export cannot be checked: the test split has no rows")
        export = Export(
            path_utils.serving_model_path(model.uri),
            artifact_utils.get_single_uri(input_dict["transform_graph"]),
            _columns(artifact_utils.get_single_uri(input_dict["schema"]), label),
            label,
        )
        findings = list(export.findings(real))[:_MOST_FINDINGS]
        _log.info("ExportCheck: %d findings in %s", len(findings), export.folder)
        for finding in findings:
            _log.error("ExportCheck: %s: %s: %s", finding.subject, finding.rule, finding.found)
        _bless(artifact_utils.get_single_instance(output_dict["blessing"]), model, findings)


@dataclasses.dataclass(frozen=True)
class Export:
    """An exported model and what it is compared with.

    Attributes:
      folder: the SavedModel.
      transform_graph: Transform's output.
      columns: the schema's types by raw column, without the label.
      label: the label's column.
    """

    folder: str
    transform_graph: str
    columns: Mapping[str, int]
    label: str

    def findings(self, real: list[adversarial_rows.Row]) -> Iterator[Finding]:
        """Everything that is wrong with it."""
        try:
            model = ServedModel(self.folder)
        except Exception as error:
            yield Finding("model", "loads in a graph session", reason(error))
            return
        with model:
            yield from self._of_model(model, real)

    def _of_model(self, model: ServedModel, real: list[adversarial_rows.Row]) -> Iterator[Finding]:
        if checks.SERVING not in model.signatures:
            there = ", ".join(sorted(model.signatures)) or "none"
            yield Finding("model", f"has the signature {checks.SERVING}", f"it has {there}")
        client = SignatureClient(model, list(self.columns), real[0])
        rows = real + adversarial_rows.adversarial_rows(real[0].example, self.columns)
        answers, failures = client.ask(rows)
        for name, error in failures.items():
            yield from checks.failing_rows(client, name, rows, error)
        for name, answer in list(answers.items()):
            yield from checks.answer_findings(name, answer, rows)
        yield from checks.alone_findings(client, answers, rows)
        if checks.SERVING in answers and checks.COLUMNS in answers:
            yield from checks.columns_findings(client, rows)
        yield from reference.warmup_findings(self.folder, client)
        yield from self._witnesses(client, answers, rows, real)

    def _witnesses(
        self,
        client: SignatureClient,
        answers: Mapping[str, Answer],
        rows: list[adversarial_rows.Row],
        real: list[adversarial_rows.Row],
    ) -> Iterator[Finding]:
        try:
            model = reference.load(self.folder)
        except Exception as error:
            yield Finding("model", "loads in Python", reason(error))
            return
        yield from reference.python_findings(model, client, answers, rows)
        if checks.SERVING in answers:
            serving = answers[checks.SERVING]
            yield from reference.transform_findings(
                model, self.transform_graph, serving, real, self.label
            )


def _columns(schema_folder: str, label: str) -> dict[str, int]:
    path = io_utils.get_only_uri_in_dir(schema_folder)
    schema = io_utils.parse_pbtxt_file(path, schema_pb2.Schema())
    return {feature.name: feature.type for feature in schema.feature if feature.name != label}


def _bless(blessing: types.Artifact, model: types.Artifact, findings: list[Finding]) -> None:
    """Blesses the model or not, as TFX does, and says which model it was and why not."""
    # TFX's InfraValidator does not say which; these are the Evaluator's names for it.
    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri
    )
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    name = _NOT_BLESSED_FILE if findings else _BLESSED_FILE
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    blessing.set_int_custom_property(_BLESSED, 0 if findings else 1)
    if findings:
        rows = [dataclasses.asdict(finding) for finding in findings]
        blessing.set_string_custom_property(_FINDINGS, json.dumps(rows))
