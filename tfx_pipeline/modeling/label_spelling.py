"""Which class a raw label means: the same rule in Transform and in the Evaluator.

`labels` applies the rule to tensors, the Evaluator calls `class_id`. Nothing
here imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping

UNKNOWN_CLASS = -1
"""The class id of a missing or unknown label; training and evaluation leave such rows out."""

BINARY_SPELLINGS = (("0", "false", "no", "n", "f"), ("1", "true", "yes", "y", "t"))
"""What the classes 0 and 1 may be called where they have no names of their own, in any case."""


def class_id(value: str | float, ids: Mapping[str, int]) -> int:
    """The class that a raw label means.

    Args:
      value: the label; a float such as 1.0 means the class "1", 1.5 none.
      ids: the class ids by name; empty for a model that does not give the names.

    Returns:
      The id of the class with this name. Where the classes have no names, or 0 and
      1 are called so, the spellings of a binary label count too. Where they have
      no names, a number is the id itself. Otherwise UNKNOWN_CLASS.
    """
    if isinstance(value, float):
        if not value.is_integer():
            return UNKNOWN_CLASS
        value = int(value)
    name = str(value)
    if name in ids:
        return ids[name]
    if ids in ({}, {"0": 0, "1": 1}):
        for index, spellings in enumerate(BINARY_SPELLINGS):
            if name.lower() in spellings:
                return index
    # Not isdigit: it is also true for "²", which is not a number.
    return int(name) if not ids and name.isdecimal() else UNKNOWN_CLASS
