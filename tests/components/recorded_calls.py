"""Calls of user functions, kept in a module of its own: TFX reloads the functions' module."""

from __future__ import annotations

calls: list[list[str]] = []
"""The columns of each call of `user_functions.counted_preprocessing_fn`."""
