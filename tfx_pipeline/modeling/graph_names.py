"""Names for layers, arguments and files, made from the names of columns.

A column can have any name. TensorFlow accepts few characters in a name and treats upper and
lower case as equal in some places, Keras allows a layer's name once in a model, and Python
reserves words such as `self`. So nothing inside a graph has the raw name of a column: it has
the name made here, which begins with its kind and is different for different columns.
"""

from __future__ import annotations

import hashlib
import re

DECISIONS = "decisions.json"
"""The file with what was decided, in the folder of the transform graph."""

_PLAIN = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_MOST_CHARACTERS = 40
_DIGEST_CHARACTERS = 16


def of_column(column: str, kind: str = "column") -> str:
    """The internal name of a column: `column_fare`, `column_fare_usd_3f6c…` for "Fare (USD)".

    Args:
      column: the raw name.
      kind: what has the name; a layer of another kind has another first word.
    """
    if _PLAIN.fullmatch(column) and len(column) <= _MOST_CHARACTERS:
        return f"{kind}_{column}"
    cleaned = re.sub(r"[^a-z0-9]+", "_", column.lower())[:_MOST_CHARACTERS].strip("_")
    # Two underscores: no plain name has them, so no plain name equals one with a digest.
    digest = hashlib.sha256(column.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{kind}_{cleaned}__{digest[:_DIGEST_CHARACTERS]}"


def of_vocabulary(column: str) -> str:
    """The name of the vocabulary of a column in Transform's output."""
    return of_column(column, "vocabulary")
