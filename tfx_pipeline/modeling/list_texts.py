"""Texts with several values: with a separator, or as JSON writes a list."""

from __future__ import annotations

import re

import tensorflow as tf

_TEXT = r'"(?:[^"\\]|\\.)*"'
_PLAIN = r"[-+.0-9A-Za-z]+"
_VALUE = rf"(?:{_TEXT}|{_PLAIN})"
_LIST = rf"(?s)\s*\[\s*(?:{_VALUE}\s*(?:,\s*{_VALUE}\s*)*)?\]\s*"
_BETWEEN = "\x1f"
"""ASCII's own separator of values; it is in no text."""


def split(texts: tf.Tensor, separator: str) -> tf.RaggedTensor:
    """The values of each text, string [n, values], without empty ones and without blanks around.

    A text that JSON writes as a list of texts, numbers, true and false gives the values of the
    list; null is no value there. Escapes such as backslash and u stay as they are. Other texts
    are split at the separator.
    """
    is_list = tf.strings.regex_full_match(texts, _LIST)
    # Each value of a list is followed by the separator, also the last one.
    inside = tf.strings.regex_replace(texts, r"(?s)^\s*\[|\]\s*$", "")
    inside = tf.strings.regex_replace(inside, rf"(?s)({_VALUE})\s*,?\s*", rf"\1{_BETWEEN}")
    others = tf.strings.regex_replace(texts, re.escape(separator), _BETWEEN)
    parts = tf.strings.split(tf.where(is_list, inside, others), _BETWEEN)
    values = tf.strings.strip(parts.values)
    from_list = tf.repeat(is_list, parts.row_lengths())
    values = tf.where(from_list, _value_of_list(values), values)
    return tf.ragged.boolean_mask(
        parts.with_values(values), parts.with_values(tf.not_equal(values, ""))
    )


def _value_of_list(written: tf.Tensor) -> tf.Tensor:
    """What a value means that JSON has written."""
    values = tf.strings.regex_replace(written, r"^null$", "")
    values = tf.strings.regex_replace(values, r'(?s)^"(.*)"$', r"\1")
    values = tf.strings.regex_replace(values, r'\\(["/\\])', r"\1")
    return tf.strings.strip(values)
