"""Parses dates and times with plain TensorFlow operations, which every server has."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from tfx_pipeline.config import datetime_format
from tfx_pipeline.config.datetime_format import Offsets, Pattern

_DAY = 86_400
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LAST_SHORT_YEAR = 68
"""Years of two digits up to this one are of the 21st century, as in Python."""


@dataclasses.dataclass(frozen=True)
class Moments:
    """Dates and times in the zone of their column, each int64 [batch] but for `valid`.

    Attributes:
      valid: bool; whether the text is a date. The others are those of 1970-01-01 otherwise.
      seconds: since 1970-01-01 00:00, by the zone's clocks.
    """

    valid: tf.Tensor
    seconds: tf.Tensor

    @property
    def days(self) -> tf.Tensor:
        """Whole days since 1970-01-01."""
        return tf.math.floordiv(self.seconds, _DAY)

    @property
    def hour(self) -> tf.Tensor:
        """0 to 23."""
        return tf.math.floordiv(tf.math.floormod(self.seconds, _DAY), 3600)

    @property
    def day_of_week(self) -> tf.Tensor:
        """0 is Monday."""
        return tf.math.floormod(self.days + 3, 7)

    @property
    def date(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Year, month from 1, day from 1."""
        return _date(self.days)


def parse(texts: tf.Tensor, text_format: str = datetime_format.ISO, zone: str = "") -> Moments:
    """Parses texts.

    Args:
      texts: string [batch].
      text_format: as `strptime` takes it; empty for ISO 8601. A text that is not of this format
        may be ISO, which is what clients send for a date object. ISO also takes dates such as
        2024/1/31, 20240131, 2024-01 and 2024年1月31日.
      zone: the time zone of the result, and of texts that name none; empty for UTC.

    Raises:
      ValueError: the format or the zone is not known.
    """
    iso = _parse(_normalised(texts), datetime_format.ISO, zone)
    if text_format == datetime_format.ISO:
        return iso
    found = _parse(texts, text_format, zone)
    seconds = tf.where(found.valid, found.seconds, iso.seconds)
    return Moments(found.valid | iso.valid, seconds)


def _parse(texts: tf.Tensor, text_format: str, zone: str) -> Moments:
    pattern = datetime_format.pattern(text_format)
    matches = tf.strings.regex_full_match(texts, pattern.expression())
    reader = _Reader(texts, matches, pattern)
    year, month, day = reader.year(), reader.month(), reader.number("day", 1)
    hour, minute, second = reader.hour(), reader.number("minute"), reader.number("second")
    days = _days(year, month, day)
    same = [tf.equal(a, b) for a, b in zip(_date(days), (year, month, day), strict=True)]
    # A date that does not exist, such as February 30, is not the date of its own day.
    in_range = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1)
    in_range &= (hour < 24) & (minute < 60) & (second < 61)
    valid = matches & in_range & same[0] & same[1] & same[2]
    seconds = days * _DAY + hour * 3600 + minute * 60 + second
    if "offset" in pattern.fields:
        has_offset, offset = reader.offset()
        elsewhere = seconds - offset
        if zone:
            elsewhere += _offset_of_zone(elsewhere, datetime_format.offsets(zone))
        seconds = tf.where(has_offset, elsewhere, seconds)
    return Moments(valid, tf.where(valid, seconds, tf.zeros_like(seconds)))


def _normalised(texts: tf.Tensor) -> tf.Tensor:
    """Texts with the date as 2024-01-31."""
    texts = tf.strings.regex_replace(texts, "[年月]", "-")
    texts = tf.strings.regex_replace(texts, "日", "")
    compact = r"^\s*(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2}))?($|[^\d])"
    dates = tf.strings.regex_replace(texts, compact, r"\1-\2-\3T\4:\5:\6\7")
    return tf.strings.regex_replace(dates, "T::", "")


@dataclasses.dataclass(frozen=True)
class _Reader:
    """Reads the fields of texts that match a pattern; 0 or the default for others."""

    texts: tf.Tensor
    matches: tf.Tensor
    pattern: Pattern

    def text(self, field: str) -> tf.Tensor:
        """The text of a field; empty where there is none."""
        if field not in self.pattern.fields:
            return tf.zeros_like(self.texts)
        # The ends of a text, so that nothing but the field is left of it.
        expression = f"^{self.pattern.expression(field)}$"
        found = tf.strings.regex_replace(self.texts, expression, r"\1")
        return tf.where(self.matches, found, tf.zeros_like(found))

    def number(self, field: str, default: int = 0) -> tf.Tensor:
        """A field as int64; the default where there is none."""
        return _to_int(self.text(field), default)

    def year(self) -> tf.Tensor:
        if "year" in self.pattern.fields:
            return self.number("year", 1970)
        short = self.number("short_year", 70)
        return tf.where(short <= _LAST_SHORT_YEAR, 2000 + short, 1900 + short)

    def month(self) -> tf.Tensor:
        if "month" in self.pattern.fields:
            return self.number("month", 1)
        name = tf.strings.substr(tf.strings.lower(self.text("month_name")), 0, 3)
        known = tf.cast(tf.equal(name[:, tf.newaxis], _MONTHS), tf.int64)
        found = tf.reduce_sum(known * tf.range(1, 13, dtype=tf.int64), axis=1)
        # 0 for another word, which makes the date invalid.
        return tf.where(self.matches, found, tf.ones_like(found))

    def hour(self) -> tf.Tensor:
        hour = self.number("hour")
        if "half" not in self.pattern.fields:
            return hour
        afternoon = tf.strings.regex_full_match(tf.strings.lower(self.text("half")), "p.*")
        of_half = tf.math.floormod(hour, 12) + tf.where(afternoon, tf.constant(12, tf.int64), 0)
        impossible = tf.constant(24, tf.int64)
        return tf.where(self.matches & ((hour < 1) | (hour > 12)), impossible, of_half)

    def offset(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Whether a text names an offset from UTC, and its seconds."""
        text = self.text("offset")
        parts = r"^([+-]?)(\d{2})?:?(\d{2})?$"
        digits = tf.strings.regex_replace(text, "^[Zz]$", "+0000")
        hours = _to_int(tf.strings.regex_replace(digits, parts, r"\2"), 0)
        minutes = _to_int(tf.strings.regex_replace(digits, parts, r"\3"), 0)
        sign = tf.where(tf.strings.regex_full_match(digits, "-.*"), tf.constant(-1, tf.int64), 1)
        return tf.not_equal(text, ""), sign * (hours * 3600 + minutes * 60)


def _to_int(texts: tf.Tensor, default: int) -> tf.Tensor:
    filled = tf.where(tf.equal(texts, ""), str(default), texts)
    return tf.strings.to_number(filled, tf.int64)


def _offset_of_zone(seconds: tf.Tensor, offsets: Offsets) -> tf.Tensor:
    """The zone's offset at moments in UTC, int64 [batch]."""
    after = tf.greater_equal(seconds[:, tf.newaxis], tf.constant([*offsets.starts], tf.int64))
    index = tf.reduce_sum(tf.cast(after, tf.int32), axis=1)
    return tf.gather(tf.constant(offsets.offsets, tf.int64), index)


def _days(year: tf.Tensor, month: tf.Tensor, day: tf.Tensor) -> tf.Tensor:
    """Days since 1970-01-01; H. Hinnant's algorithm, in which years begin in March."""
    div = tf.math.floordiv
    year = tf.where(month <= 2, year - 1, year)
    era = div(year, 400)
    of_era = year - era * 400
    shifted = tf.where(month > 2, month - 3, month + 9)
    of_year = div(153 * shifted + 2, 5) + day - 1
    return era * 146_097 + of_era * 365 + div(of_era, 4) - div(of_era, 100) + of_year - 719_468


def _date(days: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Year, month and day of days since 1970-01-01."""
    div = tf.math.floordiv
    era = div(days + 719_468, 146_097)
    of_era = days + 719_468 - era * 146_097
    years = div(of_era - div(of_era, 1460) + div(of_era, 36_524) - div(of_era, 146_096), 365)
    of_year = of_era - (365 * years + div(years, 4) - div(years, 100))
    shifted = div(5 * of_year + 2, 153)
    day = of_year - div(153 * shifted + 2, 5) + 1
    month = tf.where(shifted < 10, shifted + 3, shifted - 9)
    year = years + era * 400
    return tf.where(month <= 2, year + 1, year), month, day
