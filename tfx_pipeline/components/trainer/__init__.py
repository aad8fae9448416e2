"""Trainer: calls the user's `run_fn`.

- `component`, `executor`: flat runtime parameters, and their way into FnArgs.
"""
