"""Submits a written pipeline to Kubeflow Pipelines."""

from __future__ import annotations

import json
import pathlib
from typing import Any

from tfx_pipeline.config.base import Section
from tfx_pipeline.config.kubeflow import Kubeflow
from tfx_pipeline.orchestrators.kubeflow import kfp_subprocess
from tfx_pipeline.orchestrators.kubeflow.plan import Plan, parameter_name


class Target(Section):
    """Where a pipeline goes: the API's URL, the namespace, the experiment of its runs."""

    host: str
    namespace: str | None = None
    experiment: str | None = None


def submit(
    file: pathlib.Path, plan: Plan, section: Kubeflow, target: Target, version: str
) -> dict[str, Any]:
    """Uploads `file` as a version, and starts a run or sets up the schedule.

    Returns:
      The ids that Kubeflow gave.

    Raises:
      ConfigError: the host cannot be reached, is not Kubeflow Pipelines 2, does not
        accept the token, or refuses the pipeline.
    """
    order = {
        **target.model_dump(),
        "experiment": target.experiment or plan.name,
        "file": str(file),
        "pipeline": plan.name,
        "version": version,
        "service_account": section.service_account,
        "schedule": _schedule(section),
    }
    result: dict[str, Any] = json.loads(kfp_subprocess.run("kfp_client.py", order))
    return result


def _schedule(section: Kubeflow) -> dict[str, Any] | None:
    if section.schedule is None:
        return None
    values = {parameter_name(n): value for n, value in section.schedule.parameters.items()}
    return {**section.schedule.model_dump(), "parameters": values}
