"""Whether a server's predictions for a file are those of the model in TensorFlow."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfx_pipeline.serving.local_server.process import LocalServer

_TOLERANCE = 1e-5
_BATCH = 4096


def compared(project: pathlib.Path, model: str, file: pathlib.Path, run: Mapping[str, Any]) -> str:
    """`yes` and the largest difference, or what is wrong.

    Args:
      project: the folder of pipeline.yaml.
      model: the model's name.
      file: the rows, as they were before ExampleGen.
      run: the run's JSON.
    """
    base = str(project / "build" / "serving" / model)
    with LocalServer("--model-name", model, "--model-base-path", base) as server:
        command = [sys.executable, "-m", "tfx_pipeline", "predict", str(file)]
        command += ["--target", server.grpc, "--model", model, "--output-format", "jsonl"]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"predict failed: {done.stderr.strip().splitlines()[-1]}"
    served = _sorted([json.loads(line) for line in done.stdout.splitlines()])
    examples = run["nodes"]["ExampleGen"]["outputs"]["examples"][0]
    own = _by_model(project / run["pushed_model"], project / examples)
    if len(served) != len(own):
        return f"{len(served):,} predictions of {len(own):,}"
    scale = np.maximum(np.abs(own), 1.0)
    difference = float((np.abs(served - own) / scale).max())
    return f"{'yes' if difference <= _TOLERANCE else 'NO'}, {difference:.1g}"


def _sorted(predictions: list[dict[str, Any]]) -> np.ndarray:
    """One number for each row: the regression's, or the probability of the last class."""
    values = [
        p["probabilities"][-1] if "probabilities" in p else p["predictions"] for p in predictions
    ]
    return np.sort(np.asarray(values, np.float64).reshape(len(predictions), -1)[:, -1])


def _by_model(model: pathlib.Path, examples: pathlib.Path) -> np.ndarray:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model))
    predict = loaded.signatures["serving_default"]
    files = [str(path) for path in examples.glob("Split-*/*.gz")]
    found = []
    for batch in tf.data.TFRecordDataset(files, "GZIP").batch(_BATCH):
        outputs = predict(examples=batch)
        name = "probabilities" if "probabilities" in outputs else "predictions"
        found.append(outputs[name].numpy().reshape(len(batch), -1)[:, -1])
    return np.sort(np.concatenate(found).astype(np.float64))
