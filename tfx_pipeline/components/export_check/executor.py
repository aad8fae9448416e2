"""ExportCheck's executor: loads the model, calls every signature, compares, blesses.

The model is loaded as TensorFlow Serving loads it and called through every signature,
with real rows and with adversarial ones.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils
from tfx.utils import path_utils

from tfx_pipeline.compat.saved_model_session import ServedModel, reason
from tfx_pipeline.components.common import blessing, example_files
from tfx_pipeline.components.common.artifacts import Artifacts, read_schema_text
from tfx_pipeline.components.common.executor_outcome import completed_output, reports_refusals
from tfx_pipeline.components.export_check import adversarial_rows, checks, reference
from tfx_pipeline.components.export_check.signature_client import Outputs, SignatureClient
from tfx_pipeline.config.schema_file import parse_schema
from tfx_pipeline.errors import Finding, NodeError
from tfx_pipeline.report import file_names

_log = logging.getLogger(__name__)

# As TFX's InfraValidator has them.
_BLESSED_FILE, _NOT_BLESSED_FILE = "INFRA_BLESSED", "INFRA_NOT_BLESSED"

_REAL_ROWS = 64
_MOST_FINDINGS = 50


class Executor(base_executor.BaseExecutor):
    """Checks and blesses; the blessing's property `findings` has the results."""

    @reports_refusals
    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> execution_result_pb2.ExecutorOutput | None:
        """Checks the model. Completes also if it finds problems: then the blessing is 0.

        Says so if the export cannot be compared with Transform and model.

        Raises:
          NodeError: the examples have no such split, or no rows to send.
        """
        label, split = exec_properties["label"], exec_properties["split"]
        model = artifact_utils.get_single_instance(input_dict["model"])
        files = example_files.files(input_dict["examples"], split)
        real = adversarial_rows.real_rows(example_files.head(files, _REAL_ROWS), label)
        if not real:
            raise NodeError(f"the export cannot be checked: the split {split!r} has no rows")
        columns = _columns(input_dict, real)
        export = Export(
            path_utils.serving_model_path(model.uri),
            _uri(input_dict, "transform_graph"),
            {name: kind for name, kind in columns.items() if name != label},
            label,
            bool(exec_properties["unusual_rows"]),
        )
        findings = list(export.findings(real))[:_MOST_FINDINGS]
        _log.info("ExportCheck: %d findings in %s", len(findings), export.folder)
        for finding in findings:
            _log.error("ExportCheck: %s: %s: %s", finding.subject, finding.rule, finding.found)
        (infra_blessing,) = output_dict["blessing"]
        blessing.write(infra_blessing, model, findings, _BLESSED_FILE, _NOT_BLESSED_FILE)
        _write_details(infra_blessing.uri, export, findings)
        if not export.not_compared:
            return None
        message = "the export was not compared with Transform and model"
        note = Finding("model", "same answer as Transform and model", export.not_compared)
        return completed_output(output_dict, message, [note])


def _write_details(folder: str, export: Export, findings: Sequence[Finding]) -> None:
    """Writes what was checked, for the report; docs/report.md describes the file."""
    document = {
        "version": 1,
        "real_rows": sum(row.real for row in export.rows),
        "unusual_rows": [row.name for row in export.rows if not row.real],
        "signatures": export.signatures,
        "not_checked": export.not_checked,
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }
    with fileio.open(os.path.join(folder, file_names.EXPORT_CHECK), "w") as file:
        file.write(json.dumps(document))


def _uri(input_dict: Artifacts, key: str) -> str:
    """The folder of an optional input; empty if it is not connected."""
    return artifact_utils.get_single_uri(input_dict[key]) if input_dict.get(key) else ""


def _columns(input_dict: Artifacts, rows: Sequence[adversarial_rows.Row]) -> dict[str, int]:
    """The types by raw column: the schema's, or those of the rows."""
    if not input_dict.get("schema"):
        return adversarial_rows.columns_of(rows)
    schema = parse_schema(read_schema_text(input_dict["schema"]))
    return {feature.name: feature.type for feature in schema.feature}


@dataclasses.dataclass
class Export:
    """An exported model, and the data for checking it.

    Attributes:
      folder: the SavedModel's folder.
      transform_graph: Transform's output folder; empty if there is none.
      columns: the schema's types by raw column, without the label.
      label: the label's column.
      unusual_rows: whether to send unusual rows as well.
      rows: the rows that were sent, after `findings`.
      signatures: the outputs of each signature that was called, after `findings`.
      not_checked: signatures that do not accept raw rows, after `findings`.
      not_compared: why the model was not compared with Transform and model, after `findings`;
        empty if it was.
    """

    folder: str
    transform_graph: str
    columns: Mapping[str, int]
    label: str
    unusual_rows: bool = True
    rows: Sequence[adversarial_rows.Row] = ()
    signatures: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    not_checked: list[str] = dataclasses.field(default_factory=list)
    not_compared: str = ""

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
        rows = list(real)
        if self.unusual_rows:
            rows += adversarial_rows.adversarial_rows(real[0], self.columns)
        for name in client.add_labels_where_needed(real[0], checks.SERVING):
            _log.info("ExportCheck: %s needs the label %r; it was sent", name, self.label)
        outputs, failures = client.call_all(rows)
        self.rows = rows
        self.signatures = {name: sorted(outputs.get(name, ())) for name in client.inputs}
        self.not_checked = sorted(model.signatures.keys() - client.inputs.keys())
        for name, error in failures.items():
            yield from checks.failing_rows(client, name, rows, error)
        for name, signature_outputs in outputs.items():
            yield from checks.output_findings(name, signature_outputs, rows)
        yield from checks.batch_findings(client, outputs, rows)
        if checks.SERVING in outputs and checks.COLUMNS in outputs:
            yield from checks.columns_findings(client, rows)
        yield from reference.warmup_findings(self.folder, client)
        with reference.unoptimized():
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
        if not self.transform_graph:
            self.not_compared = "there is no transform_graph"
        elif checks.SERVING in outputs:
            serving = outputs[checks.SERVING]
            try:
                yield from reference.transform_findings(
                    model, self.folder, self.transform_graph, serving, real, self.label
                )
            except reference.NotComparedError as error:
                self.not_compared = str(error)
