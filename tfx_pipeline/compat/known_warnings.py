"""Warnings of TFX and Beam that are about nothing, and would be in the log of every node."""

from __future__ import annotations

import logging

_TEXTS = {
    # TFX asks whether the query has the field in a way that is always true.
    "absl": "ArtifactQuery.property_predicate is not supported.",
    "apache_beam.io.tfrecordio": "Couldn't find python-snappy",  # used by no component of TFX
}


def leave_out() -> None:
    """Keeps them out of the log of this process; a second call changes nothing."""
    for name in _TEXTS:
        logging.getLogger(name).addFilter(_is_of_use)


def _is_of_use(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(_TEXTS.get(record.name, "\0"))
