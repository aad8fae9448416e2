"""Tuner: searches values of `model` and `training` that give a better metric.

- `component`, `executor`: TFX's Tuner, with Optuna's search when `tuning` is given.
- `search_space`: what Optuna draws; `study`: its trials, in a file that survives a kill.
- `workers`: trains trials side by side; `worker`: the process that trains them.
- `results`: the files of TFX's Tuner, and one for people.
"""
