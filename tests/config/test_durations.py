import datetime

import pytest

from tfx_pipeline.config.durations import seconds, to_timedelta


def test_durations_in_seconds():
    assert [seconds(text) for text in ("45s", "2m", "3h", "1d")] == [45, 120, 10800, 86400]


def test_durations_as_timedeltas():
    assert to_timedelta("90s") == datetime.timedelta(seconds=90)
    assert to_timedelta("2h") == datetime.timedelta(hours=2)


@pytest.mark.parametrize("text", ["", "5", "5min", "1.5h", "-1s", "1d2h", "1 d"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="must be a duration such as 30s, 5m, 2h or 1d"):
        seconds(text)
