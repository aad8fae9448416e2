"""The files of a Tuner's outputs.

- `best_hyperparameters.txt`: KerasTuner's form of the best values, as TFX's Trainer reads it.
- `tuner_results.json`: the complete trials, the chosen one first, as TFX's Tuner writes them.
- `trials.json`: all trials, also those that were pruned or failed, for people and reports.
"""

from __future__ import annotations

import json
import os
from typing import Any

from tfx.dsl.io import fileio

from tfx_pipeline.report import file_names

BEST = "best_hyperparameters.txt"
RESULTS = "tuner_results.json"
VERSION = 1


def write(found: dict[str, Any], best_folder: str, results_folder: str) -> None:
    """Writes all three files.

    Args:
      found: the content of `trials.json`.
      best_folder, results_folder: those of the output artifacts.
    """
    sign = -1 if found["higher_is_better"] else 1
    complete = [trial for trial in found["trials"] if trial["state"] == "complete"]
    complete.sort(key=lambda trial: (trial["number"] != found["best"], sign * trial["value"]))
    best = complete[0]
    _write(os.path.join(best_folder, BEST), {"space": [], "values": best["values"]})
    rows = [
        {"trial_id": str(trial["number"]), "score": trial["value"], **trial["values"]}
        for trial in complete
    ]
    _write(os.path.join(results_folder, RESULTS), rows)
    _write(os.path.join(results_folder, file_names.TRIALS), found)


def read(folder: str) -> dict[str, Any] | None:
    """The content of `trials.json` in a folder; None if it is not there."""
    path = os.path.join(folder, file_names.TRIALS)
    if not fileio.exists(path):
        return None
    with fileio.open(path) as file:
        found: dict[str, Any] = json.load(file)
    return found


def keep(found: dict[str, Any], folder: str) -> None:
    """Writes `trials.json` for later runs; it is whole or absent."""
    fileio.makedirs(folder)
    path = os.path.join(folder, file_names.TRIALS)
    _write(f"{path}.part", found)
    fileio.rename(f"{path}.part", path, overwrite=True)


def _write(path: str, value: Any) -> None:
    with fileio.open(path, "w") as file:
        file.write(json.dumps(value, indent=1))
