"""ExportCheck's executor: loads the model, calls every signature, compares, blesses.

The model is loaded as TensorFlow Serving loads it and called through every signature,
with real rows and with adversarial ones.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from tfx_pipeline.compat.saved_model_session import ServedModel, reason
from tfx_pipeline.components.common import blessing, example_files
from tfx_pipeline.components.common.artifacts import Artifacts, read_schema_text
from tfx_pipeline.components.common.executor_outcome import reports_refusals
from tfx_pipeline.components.export_check import adversarial_rows, checks, reference
from tfx_pipeline.components.export_check.signature_client import Outputs, SignatureClient
from tfx_pipeline.config.schema_file import parse_schema
from tfx_pipeline.errors import Finding, NodeError

_log = logging.getLogger(__name__)

# As TFX's InfraValidator has them.
_BLESSED_FILE, _NOT_BLESSED_FILE = "INFRA_BLESSED", "INFRA_NOT_BLESSED"

_SPLIT, _REAL_ROWS = "test", 64
_MOST_FINDINGS = 50


class Executor(base_executor.BaseExecutor):
    """Checks and blesses; the blessing's property `findings` has the results."""

    @reports_refusals
    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Checks the model. Completes also if it finds problems: then the blessing is 0.

        Raises:
          NodeError: the examples have no rows to send.
        """
        label = exec_properties["label"]
        model = artifact_utils.get_single_instance(input_dict["model"])
        files = example_files.files(input_dict["examples"], _SPLIT)
        real = adversarial_rows.real_rows(example_files.head(files, _REAL_ROWS), label)
        if not real:
            raise NodeError("the export cannot be checked: the test split has no rows")
        schema = parse_schema(read_schema_text(input_dict["schema"]))
        export = Export(
            path_utils.serving_model_path(model.uri),
            artifact_utils.get_single_uri(input_dict["transform_graph"]),
            {f.name: f.type for f in schema.feature if f.name != label},
            label,
        )
        findings = list(export.findings(real))[:_MOST_FINDINGS]
        _log.info("ExportCheck: %d findings in %s", len(findings), export.folder)
        for finding in findings:
            _log.error("ExportCheck: %s: %s: %s", finding.subject, finding.rule, finding.found)
        (infra_blessing,) = output_dict["blessing"]
        blessing.write(infra_blessing, model, findings, _BLESSED_FILE, _NOT_BLESSED_FILE)


@dataclasses.dataclass(frozen=True)
class Export:
    """An exported model, and the data for checking it.

    Attributes:
      folder: the SavedModel's folder.
      transform_graph: Transform's output folder.
      columns: the schema's types by raw column, without the label.
      label: the label's column.
    """

    folder: str
    transform_graph: str
    columns: Mapping[str, int]
    label: str

    def findings(self, real: list[adversarial_rows.Row]) -> Iterator[Finding]:
        """Runs all checks.

        Args:
          real: rows of the data.
        """
        try:
            model = ServedModel(self.folder, optimize=False)
        except Exception as error:
            yield Finding("model", "loads in a graph session", reason(error))
            return
        with model:
            yield from self._model_findings(model, real)

    def _model_findings(
        self, model: ServedModel, real: list[adversarial_rows.Row]
    ) -> Iterator[Finding]:
        if checks.SERVING not in model.signatures:
            found = ", ".join(sorted(model.signatures)) or "none"
            yield Finding("model", f"has the signature {checks.SERVING}", f"it has {found}")
        client = SignatureClient(model, list(self.columns))
        rows = real + adversarial_rows.adversarial_rows(real[0].example, self.columns)
        outputs, failures = client.call_all(rows)
        for name, error in failures.items():
            yield from checks.failing_rows(client, name, rows, error)
        for name, signature_outputs in outputs.items():
            yield from checks.output_findings(name, signature_outputs, rows)
        yield from checks.batch_findings(client, outputs, rows)
        if checks.SERVING in outputs and checks.COLUMNS in outputs:
            yield from checks.columns_findings(client, rows)
        yield from reference.warmup_findings(self.folder, client)
        yield from self._reference_findings(client, outputs, rows, real)

    def _reference_findings(
        self,
        client: SignatureClient,
        outputs: Mapping[str, Outputs],
        rows: list[adversarial_rows.Row],
        real: list[adversarial_rows.Row],
    ) -> Iterator[Finding]:
        try:
            model = reference.load(self.folder)
        except Exception as error:
            yield Finding("model", "loads in Python", reason(error))
            return
        yield from reference.python_findings(model, client, outputs, rows)
        if checks.SERVING in outputs:
            serving = outputs[checks.SERVING]
            yield from reference.transform_findings(
                model, self.transform_graph, serving, real, self.label
            )
