"""The files that components write for the report; docs/report.md describes their content."""

from __future__ import annotations

DETAILS = "details.json"
"""The Evaluator's, in the folder of the evaluation: slices, intervals, curves, importance."""

HISTORY = "history.json"
"""The Trainer's, in the folder of the ModelRun: the curves of the training."""

TRIALS = "trials.json"
"""The Tuner's, in the folder of the tuner results: all trials; see docs/tuning.md."""

EXPORT_CHECK = "export_check.json"
"""ExportCheck's, in the folder of the blessing: what was checked."""

DATA_CHECKS = "data_checks.json"
"""DataGate's, in the folder of the anomalies: the checks of the gates; see docs/gates.md."""
