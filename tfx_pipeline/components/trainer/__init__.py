"""Trainer: calls the user's `run_fn`."""
