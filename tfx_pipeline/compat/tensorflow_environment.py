"""Environment variables that TensorFlow reads once, when it is imported."""

from __future__ import annotations

import os


def prepare_environment() -> None:
    """Sets what must be set before TensorFlow is imported; values already set are kept.

    Every entry point that leads to TensorFlow calls this first. Keras must be
    Keras 2: TensorFlow Transform supports no other, and a Keras 3 export cannot be
    served by TensorFlow Serving.
    """
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # no INFO lines of TensorFlow's C++


def keep_keras() -> bool:
    """Sets the Keras that TFX's users get by default, unless one is chosen; says if it did.

    TensorFlow Transform would choose another if it is imported before Keras is used.
    """
    chosen = "TF_USE_LEGACY_KERAS" in os.environ
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "0")
    return not chosen
