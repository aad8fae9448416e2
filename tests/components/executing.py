"""Runs an executor as a node without Beam arguments does."""

from __future__ import annotations


class AsNode:
    """What the launcher makes of a Beam executor's class."""

    def __init__(self, executor):
        self._executor = executor

    def Do(self, inputs, outputs, properties):
        return self._executor(self._executor.Context()).Do(inputs, outputs, properties)
