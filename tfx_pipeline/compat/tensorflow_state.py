"""Whether TensorFlow has started its runtime in this process."""

from __future__ import annotations

import sys


def has_started() -> bool:
    """Whether an operation has run: its threads are missing in a forked process, which then hangs.

    TensorFlow has no public name for it. If the private ones are gone, the answer is yes.
    """
    if "tensorflow" not in sys.modules:
        return False
    try:
        from tensorflow.python.eager import context

        current = context.context_safe()
        return current is not None and bool(current._initialized)
    except (ImportError, AttributeError):
        return True
