"""A pipeline of two small nodes that behave as a run's parameter `mode` says."""

import os
import pathlib
import subprocess
import sys
import time

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts

from tfx_pipeline import errors
from tfx_pipeline.compiler import standard_pipeline

FOLDER = pathlib.Path(__file__).parent


@component
def First(
    mode: Parameter[str], seed: Parameter[int], number: OutputArtifact[standard_artifacts.Integer]
):
    _behave(mode)
    number.value = seed


@component
def Second(
    number: InputArtifact[standard_artifacts.Integer],
    seed: Parameter[int],
    double: OutputArtifact[standard_artifacts.Integer],
):
    double.value = 2 * seed


def _behave(mode):
    if mode == "fail once" and not (FOLDER / "failed").exists():
        (FOLDER / "failed").touch()
        raise ValueError("fails the first time")
    if mode == "refuse":
        raise errors.DataRefused("the rows are bad", [errors.Finding("price", "above 0", "-1")])
    if mode == "tell":
        print("password:", os.environ.get("TFX_PIPELINE_METADATA_PASSWORD"))
        (FOLDER / "variables").write_text("\n".join(sorted(os.environ)))
    if mode.startswith("sleep"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        pids = f"{os.getpid()} {child.pid} {os.getppid()}"
        (FOLDER / "started.part").write_text(pids)
        (FOLDER / "started.part").rename(FOLDER / f"started {mode}")
        while not (FOLDER / "go on").exists():
            time.sleep(0.1)
        child.kill()


def create_pipeline(config):
    mode = standard_pipeline.runtime_parameter("mode", str, "plain")
    first = First(mode=mode, seed=config.training.seed).with_id("First")
    second = Second(number=first.outputs["number"], seed=config.training.seed).with_id("Second")
    nodes = [first, second]
    if config.training.steps == 3:
        nodes.append(Second(number=second.outputs["double"], seed=3).with_id("Third"))
    return standard_pipeline.assemble(config, nodes)
