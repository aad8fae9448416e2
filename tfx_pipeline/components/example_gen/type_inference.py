"""Infers column types as TFX's CsvExampleGen does, and converts texts to values.

Arrow does the work column by column. For a few texts it differs from Python (` 5`, `+5`,
`1_000`, `0x10`, integers of more than 64 bits), and TFX uses Python. So Python decides
about the values that Arrow does not accept, and about those texts.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from tfx_pipeline.components.common.column_kinds import Kind
from tfx_pipeline.components.example_gen.number_format import PLAIN, NumberFormat
from tfx_pipeline.config.columns import FALSE_TEXTS, TRUE_TEXTS

_INT64 = pa.int64()
_FLOAT64 = pa.float64()
_INT_LIMITS = (-(2**63), 2**63 - 1)
_LONG_DIGITS = 19
_LONG_INTEGER = rf"^[+-]?\d{{{_LONG_DIGITS},}}$"


class WrongValue(ValueError):
    """A text that is not a value of the column's kind."""


def infer_kind(texts: pa.Array, known: Kind = Kind.EMPTY, numbers: NumberFormat = PLAIN) -> Kind:
    """The smallest kind, at least `known`, that holds all texts."""
    if known == Kind.BYTES or texts.null_count == len(texts):
        return known
    texts = numbers.plain(texts)
    if texts is None:
        return Kind.BYTES
    if _casts(texts, _INT64, _maybe_hexadecimal):
        return max(known, Kind.INT)
    if _casts(texts, _FLOAT64, _maybe_integer):
        return max(known, Kind.FLOAT)
    for text in pc.unique(texts.drop_null()).to_pylist():
        known = max(known, infer_value_kind(text))
        if known == Kind.BYTES:
            break
    return known


def _casts(texts: pa.Array, to: pa.DataType, doubtful: Callable[[pa.Array], bool]) -> bool:
    """Whether Arrow can cast all texts, and Python agrees."""
    try:
        texts.cast(to)
    except pa.ArrowInvalid:
        return False
    return not doubtful(texts)


def _maybe_hexadecimal(texts: pa.Array) -> bool:
    """Whether a text has an x: 0x10 is an integer for Arrow, and not for Python."""
    return any(pc.any(pc.match_substring(texts, x)).as_py() for x in "xX")


def _maybe_integer(texts: pa.Array) -> bool:
    """Whether a number may be an integer that Arrow does not take for one.

    Newer Arrow reads `+5` as a float only. Integers of more than 64 bits are texts.
    """
    return bool(pc.any(pc.starts_with(texts, "+")).as_py()) or _has_long_integer(texts)


def _has_long_integer(texts: pa.Array) -> bool:
    # Lengths first: a regular expression over all texts would take most of the time.
    long = texts.filter(pc.greater_equal(pc.binary_length(texts), _LONG_DIGITS))
    return bool(pc.any(pc.match_substring_regex(long, _LONG_INTEGER)).as_py())


def infer_value_kind(text: str) -> Kind:
    """The kind of one text, by the rules of TFX's CSV decoder."""
    # Bytes, as in TFX's decoder: so digits of other scripts are not numbers.
    try:
        value = int(text.encode())
    except ValueError:
        try:
            float(text.encode())
        except ValueError:
            return Kind.BYTES
        return Kind.FLOAT
    return Kind.INT if _INT_LIMITS[0] <= value <= _INT_LIMITS[1] else Kind.BYTES


def convert(texts: pa.Array, kind: Kind, numbers: NumberFormat = PLAIN) -> pa.Array:
    """Values of `kind` from texts; missing ones stay missing.

    Raises:
      WrongValue: a text is not such a value.
    """
    if kind not in (Kind.INT, Kind.FLOAT):
        return texts
    plain = numbers.plain(texts)
    if plain is None:
        raise WrongValue(f"a text is not a number of the form {numbers}")
    if kind == Kind.INT:
        return _converted(plain, _INT64, _maybe_hexadecimal, parse_int)
    return _converted(plain, _FLOAT64, None, parse_float)


def convert_booleans(texts: pa.Array) -> pa.Array:
    """1 for `columns.TRUE_TEXTS`, 0 for `columns.FALSE_TEXTS`; missing ones stay missing.

    Raises:
      WrongValue: a text is none of them.
    """
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    values = pc.index_in(lower, value_set=pa.array([*FALSE_TEXTS, *TRUE_TEXTS]))
    if values.null_count > texts.null_count:
        raise WrongValue("a text is neither true nor false")
    return pc.greater_equal(values, len(FALSE_TEXTS)).cast(_INT64)


def _converted(
    texts: pa.Array,
    to: pa.DataType,
    doubtful: Callable[[pa.Array], bool] | None,
    parse: Callable[[str], int | float],
) -> pa.Array:
    try:
        if doubtful and doubtful(texts):
            raise pa.ArrowInvalid("doubtful")
        return texts.cast(to)
    except pa.ArrowInvalid:
        encoded = texts.dictionary_encode()
        values = [parse(text) for text in encoded.dictionary.to_pylist()]
        return pa.array(values, to).take(encoded.indices)


def parse_int(text: str) -> int:
    """An integer of 64 bits, as Python reads it.

    Raises:
      WrongValue: the text is not such an integer.
    """
    try:
        value = int(text.encode())
    except ValueError:
        raise WrongValue(text) from None
    if not _INT_LIMITS[0] <= value <= _INT_LIMITS[1]:
        raise WrongValue(text)
    return value


def parse_float(text: str) -> float:
    """A number, as Python reads it.

    Raises:
      WrongValue: the text is not a number.
    """
    try:
        return float(text.encode())
    except ValueError:
        raise WrongValue(text) from None


def is_value(text: str, kind: Kind, numbers: NumberFormat = PLAIN) -> bool:
    """Whether `convert` accepts the text."""
    if not text or kind not in (Kind.INT, Kind.FLOAT):
        return True
    plain = numbers.plain_text(text)
    try:
        if plain is not None:
            parse_int(plain) if kind == Kind.INT else parse_float(plain)
    except WrongValue:
        return False
    return plain is not None


def is_boolean(text: str) -> bool:
    """Whether `convert_booleans` accepts the text."""
    return text.strip().lower() in ("", *TRUE_TEXTS, *FALSE_TEXTS)
