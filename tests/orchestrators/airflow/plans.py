"""The bundled pipeline's manifest, and the DAG file that is made from it."""

from __future__ import annotations

import json

from tests.projects import REPOSITORY
from tfx_pipeline import load_config
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.orchestrators.airflow import dag

GOLDEN = REPOSITORY / "tests" / "golden"


def bundled_plan() -> Manifest:
    """The golden manifest; tests/compiler/test_compiler.py checks it."""
    values = json.loads((GOLDEN / "manifest.json").read_text())
    return Manifest.model_validate({**values, "ir_sha256": "0123456789ab" + "0" * 52})


def render(plan: Manifest, *settings: str) -> str:
    """The text of the DAG file, with some settings of `airflow:`."""
    config = load_config(REPOSITORY / "pipeline.yaml", settings)
    return dag.render(plan, config, "pipeline-0123456789ab.pb")
