"""Dates and times, parsed by TensorFlow as Python and pandas parse them."""

from __future__ import annotations

import datetime
import zoneinfo

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.tensorflow


def parts(texts, text_format="", zone=""):
    """Valid or not, and (year, month, day, weekday, hour, seconds) of each text."""
    import tensorflow as tf

    from tfx_pipeline.modeling.datetime_parsing import parse

    moments = parse(tf.constant(texts), text_format, zone)
    columns = [*moments.date, moments.day_of_week, moments.hour, moments.seconds]
    rows = [*zip(*(column.numpy().tolist() for column in columns), strict=True)]
    return moments.valid.numpy().tolist(), rows


def expected(moment):
    seconds = (moment.replace(tzinfo=None) - datetime.datetime(1970, 1, 1)).total_seconds()
    date = moment.year, moment.month, moment.day, moment.weekday(), moment.hour
    return (*date, int(np.floor(seconds)))


def random_moments(count=2000):
    random = np.random.default_rng(4)
    start = datetime.datetime(1850, 1, 1)
    seconds = random.integers(0, 300 * 365 * 86_400, count)
    return [start + datetime.timedelta(seconds=int(s)) for s in seconds]


@pytest.mark.parametrize("separator", ["T", " "])
def test_iso_texts(separator):
    moments = random_moments()
    valid, found = parts([moment.isoformat(separator) for moment in moments])
    assert all(valid)
    assert found == [expected(moment) for moment in moments]


@pytest.mark.parametrize(
    "text_format",
    ["%d/%m/%Y %H:%M", "%d.%m.%y", "%b %d, %Y %I:%M %p", "%A, %d %B %Y", "%Y%m%d", "%m-%Y",
     "%Y年%m月%d日 %H時", "%d/%b/%Y:%H:%M:%S %z", "100%% %Y-%m-%d %H:%M:%S"],
)  # fmt: skip
def test_formats_as_python_takes_them(text_format):
    moments = random_moments(300)
    aware = [moment.replace(tzinfo=datetime.timezone.utc) for moment in moments]
    texts = [moment.strftime(text_format) for moment in aware]
    read = [datetime.datetime.strptime(text, text_format) for text in texts]
    valid, found = parts(texts, text_format)
    assert all(valid)
    assert found == [expected(moment) for moment in read]


@pytest.mark.parametrize(
    "zone", ["Asia/Tokyo", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]
)
def test_texts_with_an_offset_are_shown_in_the_zone(zone):
    moments = [m for m in random_moments(900) if 1950 <= m.year < 2100]
    quarters = np.random.default_rng(1).integers(-48, 56, len(moments)).tolist()
    offsets = [datetime.timedelta(minutes=15 * quarter) for quarter in quarters]
    aware = [
        moment.replace(tzinfo=datetime.timezone(offset))
        for moment, offset in zip(moments, offsets, strict=True)
    ]
    _, found = parts([moment.isoformat() for moment in aware], "", zone)
    local = [moment.astimezone(zoneinfo.ZoneInfo(zone)) for moment in aware]
    assert found == [expected(moment) for moment in local]


def test_texts_without_an_offset_are_in_the_zone_already():
    _, (tokyo, utc, z) = parts(
        ["2024-03-01 23:30", "2024-03-01T23:30:00+00:00", "2024-03-01T23:30Z"], "", "Asia/Tokyo"
    )
    assert tokyo[:5] == (2024, 3, 1, 4, 23)
    assert utc == z
    assert utc[:5] == (2024, 3, 2, 5, 8)


def test_what_people_write_instead_of_iso():
    texts = ["2024-1-5", "2024/01/05", "20240105", " 2024-01-05 ", "2024年1月5日", "2024.01.05"]
    valid, found = parts(texts)
    assert all(valid)
    assert found == [(2024, 1, 5, 4, 0, 1_704_412_800)] * len(texts)
    assert parts(["2024-02", "20240105T101112", "2024-01-05 10:11:12,5"])[1] == [
        expected(datetime.datetime(2024, 2, 1)),
        expected(datetime.datetime(2024, 1, 5, 10, 11, 12)),
        expected(datetime.datetime(2024, 1, 5, 10, 11, 12)),
    ]


def test_iso_beside_another_format():
    day, iso, wrong = parts(["05/01/2024", "2024-01-05T00:00:00", "2024"], "%d/%m/%Y")[1]
    assert day == iso == (2024, 1, 5, 4, 0, 1_704_412_800)
    assert wrong[-1] == 0


def test_texts_that_are_no_dates():
    texts = ["", "never", "2023-02-29", "2024-13-01", "2024-00-10", "2024-01-05 24:00", "12",
             "2024-01-05 10:61", "2024-01-05x", "\udcff".encode("utf-8", "surrogateescape"),
             "99999999999999999999", "0000-01-01", "NaT"]  # fmt: skip
    valid, found = parts(texts)
    assert not any(valid)
    assert {row[-1] for row in found} == {0}
    assert parts(["Foo 3, 2024", "13:00 PM"], "%b %d, %Y")[0] == [False, False]
    assert parts(["2024-02-29", "2000-02-29", "1900-02-29"])[0] == [True, True, False]


def test_pandas_reads_the_same(tmp_path):
    frame = pd.DataFrame({"when": pd.date_range("1999-12-30", periods=500, freq="7h13min")})
    texts = frame["when"].astype(str).tolist()
    _, found = parts(texts)
    when = frame["when"].dt
    columns = [when.year, when.month, when.day, when.dayofweek, when.hour]
    assert [row[:5] for row in found] == [*zip(*columns, strict=True)]


@pytest.mark.parametrize(
    ("text_format", "message"),
    [
        ("%Y-%q", "has %q, which is not one of %Y"),
        ("%Y-%m-%Y", "has the year twice"),
        ("%H:%M", "has no year"),
        ("%Y", "has no month"),
    ],
)
def test_formats_that_are_refused(text_format, message):
    from tfx_pipeline.config import datetime_format

    with pytest.raises(ValueError, match=message):
        datetime_format.pattern(text_format)


def test_a_zone_that_does_not_exist():
    from tfx_pipeline.config import datetime_format

    with pytest.raises(ValueError, match=r"'Asia/Tokio' is no time zone such as Asia/Tokyo"):
        datetime_format.offsets("Asia/Tokio")
    assert datetime_format.offsets("UTC") == datetime_format.Offsets((), (0,))
