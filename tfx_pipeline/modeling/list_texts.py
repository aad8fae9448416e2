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
_HEX = "[0-9a-fA-F]"
_PAIR = rf"\\u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}"
"""A character beyond U+FFFF, which JSON writes as two escapes."""
_ESCAPE = rf"{_PAIR}|\\u{_HEX}{{4}}|\\[\"\\/bfnrt]"
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LONGEST = len(r"\ud83d\ude00")


def split(texts: tf.Tensor, separator: str) -> tf.RaggedTensor:
    """The values of each text, string [n, values], without empty ones and without blanks around.

    A text that JSON writes as a list of texts, numbers, true and false gives the values of the
    list; null is no value there. Other texts are split at the separator.
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
    return tf.strings.strip(_unescaped(values))


def _unescaped(values: tf.Tensor) -> tf.Tensor:
    """The texts with JSON's escapes replaced by what they mean, string [n]."""
    apart = tf.strings.regex_replace(values, f"({_ESCAPE})", rf"{_BETWEEN}\1{_BETWEEN}")
    parts = tf.strings.split(apart, _BETWEEN)
    texts = parts.values
    is_escape = tf.strings.regex_full_match(texts, _ESCAPE)
    texts = tf.where(is_escape, _characters(texts), texts)
    return tf.strings.reduce_join(parts.with_values(texts), axis=1)


def _characters(escapes: tf.Tensor) -> tf.Tensor:
    """The character of each escape, string [n]; anything for other texts."""
    written = tf.cast(tf.io.decode_raw(escapes, tf.uint8, fixed_length=_LONGEST), tf.int32)
    letter = written[:, 1]
    codes = letter
    for name, character in _LETTERS.items():
        codes = tf.where(letter == ord(name), ord(character), codes)
    first, second = _hexadecimal(written[:, 2:6]), _hexadecimal(written[:, 8:12])
    pair = 0x10000 + (first - 0xD800) * 0x400 + second - 0xDC00
    codes = tf.where(letter == ord("u"), first, codes)
    codes = tf.where(tf.strings.regex_full_match(escapes, _PAIR), pair, codes)
    # Half of a pair is no character, and becomes U+FFFD.
    return tf.strings.unicode_encode(codes[:, tf.newaxis], "UTF-8", errors="replace")


def _hexadecimal(digits: tf.Tensor) -> tf.Tensor:
    """The numbers of four hexadecimal digits in ASCII, int32 [n, 4]."""
    letters = tf.bitwise.bitwise_or(digits, 0x20) - ord("a") + 10
    values = tf.where(digits <= ord("9"), digits - ord("0"), letters)
    return tf.linalg.matvec(values, [0x1000, 0x100, 0x10, 1])
