"""Tuner: searches values of `model` and `training` that give a better metric.

- `component`, `executor`: TFX's Tuner, with Optuna's search when `tuning` is given.
- `search_space`: what Optuna draws; `study`: its trials, in a file that survives a kill.
- `search`: trains trials side by side; `machines`: where; `trial_worker`, `hosted`: starts of
  `worker`, the process that trains them, here and where a `worker_host` waits.
- `results`: the files of TFX's Tuner, and one for people.
"""
