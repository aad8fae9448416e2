"""Finds a Python interpreter that has kfp, and runs the programs that need kfp.

kfp and TFX 1.16 need different versions of the same packages, so kfp is usually in an
environment of its own; `make setup-kubeflow` creates one.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

from tfx_pipeline import errors
from tfx_pipeline.storage.layout import package_parent

VARIABLE = "TFX_PIPELINE_KFP_PYTHON"
"""The variable with the path of a Python interpreter that has kfp."""

_HERE = pathlib.Path(__file__).parent
_OWN = package_parent() / ".kubeflow" / "bin" / "python"
_PROBE = "import kfp; assert int(kfp.__version__.split('.')[0]) == 2"


@functools.cache
def find_python() -> str:
    """The interpreter for kfp: of the variable, this one, or that of `make setup-kubeflow`.

    Raises:
      ConfigError: the variable's interpreter has no kfp 2.
      MissingExtra: none of them has it.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if _has_kfp(named):
            return named
        raise errors.ConfigError(f"{VARIABLE}: {named} is not a Python interpreter with kfp 2")
    if importlib.util.find_spec("kfp") and _has_kfp(sys.executable):
        return sys.executable
    if _OWN.exists() and _has_kfp(str(_OWN)):
        return str(_OWN)
    raise errors.MissingExtra("kfp (in a checkout: make setup-kubeflow)", "kubeflow")


def _has_kfp(python: str) -> bool:
    try:
        done = subprocess.run([python, "-I", "-c", _PROBE], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def run(program: str, document: dict[str, Any], *arguments: str) -> str:
    """Runs one of the programs beside this file with JSON on its standard input.

    Returns:
      Its standard output.

    Raises:
      ConfigError: the program exited with code 2; the message is its last line.
      PipelineError: it failed in another way.
    """
    # -I: neither this folder nor PYTHONPATH may hide kfp's own packages.
    command = [find_python(), "-I", str(_HERE / program), *arguments]
    done = subprocess.run(
        command, input=json.dumps(document), capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return done.stdout
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    if done.returncode == errors.EXIT_USAGE:
        raise errors.ConfigError(last)
    raise errors.PipelineError(f"kfp failed: {last}")
