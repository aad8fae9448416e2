"""Warnings of TFX and Beam that are about nothing, and would be in the log of every node."""

from __future__ import annotations

import logging
import warnings

_TEXTS = {
    # TFX asks whether the query has the field in a way that is always true.
    "absl": "ArtifactQuery.property_predicate is not supported.",
    "apache_beam.io.tfrecordio": "Couldn't find python-snappy",  # used by no component of TFX
}


_OF_GOOGLE = (
    ".* non-supported Python version",  # for each of its libraries
    "grpcio < .* does not support Post-Quantum Cryptography",
)
"""Advice to whoever chooses the versions, which are in this project's lock files."""


def leave_out() -> None:
    """Keeps them out of the log of this process; a second call changes nothing."""
    for name in _TEXTS:
        logging.getLogger(name).addFilter(_is_of_use)
    for start in _OF_GOOGLE:
        warnings.filterwarnings("ignore", start, FutureWarning)


def leave_out_keras() -> None:
    """Keeps out TensorFlow Transform's advice on a variable that the user has not set."""
    logging.getLogger("absl").addFilter(_is_not_of_keras)


def _is_not_of_keras(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("TF_USE_LEGACY_KERAS is set to")


def _is_of_use(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(_TEXTS.get(record.name, "\0"))
