"""The fingerprint beside a SavedModel that was changed after it was saved."""

from __future__ import annotations

import os

import tensorflow as tf


def renew_fingerprint(folder: str) -> None:
    """Makes `fingerprint.pb` that of the present `saved_model.pb`.

    TensorFlow offers no public way to write one. Where the private way is missing the
    stale file is removed: a fingerprint is optional, a wrong one is not.
    """
    try:
        from tensorflow.python.saved_model import fingerprinting_utils

        fingerprinting_utils.write_fingerprint(folder)
    except (ImportError, AttributeError):
        path = os.path.join(folder, "fingerprint.pb")
        if tf.io.gfile.exists(path):
            tf.io.gfile.remove(path)
