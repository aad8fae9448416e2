"""The reasons of a blessing that was refused by an Evaluator that does not write them down."""

from __future__ import annotations

import dataclasses
import json
import os

import ml_metadata
from tfx.dsl.io import fileio

from tfx_pipeline.metadata.node_record import NodeRecord


def explain(store: ml_metadata.MetadataStore, record: NodeRecord) -> None:
    """Adds to the blessing of TFX's Evaluator which thresholds were missed."""
    outputs = {output.type: output for output in record.outputs}
    evaluation, blessing = outputs.get("ModelEvaluation"), outputs.get("ModelBlessing")
    if evaluation is None or blessing is None:
        return
    if not fileio.glob(os.path.join(evaluation.uri, "validations*")):
        return  # an evaluator of the user's own
    from tfx_pipeline.components.evaluator import missed_thresholds  # it imports TensorFlow

    rows = [dataclasses.asdict(finding) for finding in missed_thresholds.read(evaluation.uri)]
    [artifact] = store.get_artifacts_by_id([blessing.id])
    artifact.custom_properties["findings"].string_value = json.dumps(rows)
    store.put_artifacts([artifact])
