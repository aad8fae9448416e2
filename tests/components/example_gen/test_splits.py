"""Splits by key, by time, by a column, by folders and by class, on the taxi table."""

from __future__ import annotations

import collections
import csv
import pathlib
import shutil

import numpy as np
import pytest

from tests.components.example_gen.ingestion import ingest, read, refused, write

pytestmark = pytest.mark.tensorflow

TAXI = pathlib.Path(__file__).parents[3] / "data" / "taxi" / "trips.csv"
ROWS = 15_002


def split(folder, source, kind, column="", **options):
    """The rows of each split as mappings from columns to values."""
    rule = {"kind": kind, **({"column": column} if column else {}), **options.pop("rule", {})}
    artifact, output, _ = ingest(folder, source, split_rule=rule, **options)
    assert output is None or output.execution_result.code == 0, output
    return {
        name: [values(record) for record in records] for name, records in read(artifact).items()
    }


def values(record):
    import tensorflow as tf

    found = {}
    for name, feature in tf.train.Example.FromString(record).features.feature.items():
        kind = feature.WhichOneof("kind")
        held = getattr(feature, kind).value if kind else []
        found[name] = held[0] if len(held) else None
    return dict(sorted(found.items()))


def shares(splits):
    total = sum(map(len, splits.values()))
    return [len(rows) / total for rows in splits.values()]


def test_no_key_is_in_two_splits(tmp_path):
    column = "company"
    splits = split(tmp_path, TAXI, "by", column)
    assert sum(map(len, splits.values())) == ROWS
    keys = [{row[column] for row in rows} - {None} for rows in splits.values()]
    assert all(keys)
    assert not keys[0] & keys[1] | keys[0] & keys[2] | keys[1] & keys[2]
    alone = [sum(row[column] is None for row in rows) for rows in splits.values()]
    assert all(alone), "rows without a key are divided among the splits"


def test_a_key_goes_to_the_same_split_as_text_and_as_number(tmp_path):
    table = "key,x\n" + "".join(f"{i % 50},{i}\n" for i in range(400))
    source = write(tmp_path / "data.csv", table)
    found = []
    for number, columns in enumerate(({}, {"key": "text"})):
        splits = split(tmp_path / str(number), source, "by", "key", columns=columns)
        found.append({name: [row["x"] for row in rows] for name, rows in splits.items()})
    assert found[0] == found[1]


def test_the_oldest_rows_are_for_training_and_the_newest_for_the_test(tmp_path):
    column = "trip_start_timestamp"
    splits = split(tmp_path, TAXI, "time", column)
    times = [[row[column] for row in rows] for rows in splits.values()]
    assert max(times[0]) < min(times[1])
    assert max(times[1]) < min(times[2])
    assert np.allclose(shares(splits), [0.6, 0.2, 0.2], atol=0.001)


def test_equal_times_stay_together(tmp_path):
    splits = split(tmp_path, TAXI, "time", "trip_start_month")
    months = [{row["trip_start_month"] for row in rows} for rows in splits.values()]
    assert max(months[0]) < min(months[1]) <= max(months[1]) < min(months[2])
    assert set.union(*months) == set(range(1, 13))


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("{y}-{m:02}-{d:02}", {}),
        ("{d:02}/{m:02}/{y}", {"format": "%d/%m/%Y"}),
        ("{d:02}/{m:02}/{y}", {"format": "%d/%m/%Y", "zone": "America/New_York"}),
    ],
)
def test_times_that_are_texts(tmp_path, written, rule):
    days = [(2020 + i % 3, 1 + i % 12, 1 + i % 28) for i in range(300)]
    lines = [written.format(y=y, m=m, d=d) + f",{y * 10000 + m * 100 + d}\n" for y, m, d in days]
    source = write(tmp_path / "data.csv", "when,number\n" + "".join(lines) + ",7\n")
    splits = split(tmp_path, source, "time", "when", rule=rule)
    assert {"when": None, "number": 7} in splits["train"], "a row without a time"
    numbers = [[row["number"] for row in rows] for rows in splits.values()]
    assert max(numbers[0]) < min(numbers[1]) <= max(numbers[1]) < min(numbers[2])


def test_times_without_an_offset_are_in_the_columns_zone(tmp_path):
    """Half of the texts name an offset: their order depends on the zone of the others."""
    import datetime
    import zoneinfo

    zone = "Asia/Tokyo"
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    lines = []
    for i in range(300):
        moment = start + datetime.timedelta(hours=i)
        local = moment.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)
        text = moment.isoformat() if i % 2 else local.isoformat(sep=" ")
        lines.append(f"{text},{i}\n")
    source = write(tmp_path / "data.csv", "when,number\n" + "".join(lines))
    splits = split(tmp_path, source, "time", "when", rule={"zone": zone})
    numbers = [[row["number"] for row in rows] for rows in splits.values()]
    assert max(numbers[0]) < min(numbers[1]) <= max(numbers[1]) < min(numbers[2])


def test_an_hour_that_the_clocks_leave_out_or_repeat_is_a_time(tmp_path):
    hours = [
        "2024-03-31 02:30",
        "2024-10-27 02:30",
        *(f"2024-05-{d:02} 12:00" for d in range(1, 31)),
    ]
    rows = "".join(f"{hour},{i}\n" for i, hour in enumerate(hours))
    source = write(tmp_path / "data.csv", "when,number\n" + rows)
    splits = split(tmp_path, source, "time", "when", rule={"zone": "Europe/Berlin"})
    assert 0 in {row["number"] for row in splits["train"]}
    assert 1 in {row["number"] for row in splits["test"]}


def test_each_class_is_divided_by_the_shares(tmp_path):
    splits = split(tmp_path, TAXI, "stratify", "big_tipper")
    counts = [collections.Counter(row["big_tipper"] for row in rows) for rows in splits.values()]
    total = sum(counts, collections.Counter())
    for value, rows in total.items():
        found = [count[value] / rows for count in counts]
        # Equal rows have one hash, and so one split.
        assert np.allclose(found, [0.6, 0.2, 0.2], atol=0.001), value


def test_a_class_of_three_rows_is_in_every_split(tmp_path):
    table = "label,x\n" + "".join(f"a,{i}\n" for i in range(100)) + "b,1\nb,2\nb,3\n"
    splits = split(tmp_path, write(tmp_path / "data.csv", table), "stratify", "label")
    assert [sum(row["label"] == b"b" for row in rows) for rows in splits.values()] == [1, 1, 1]


def test_a_column_names_the_split(tmp_path):
    words = ["train", "Validation", " TEST "]
    table = "part,x\n" + "".join(f"{words[i % 3]},{i}\n" for i in range(60))
    splits = split(tmp_path, write(tmp_path / "data.csv", table), "column", "part")
    assert [{row["x"] % 3 for row in rows} for rows in splits.values()] == [{0}, {1}, {2}]


def test_folders_are_the_splits(tmp_path):
    lines = TAXI.read_text().splitlines(keepends=True)
    pieces = {"train": lines[1:301], "eval": lines[301:401], "test": lines[401:601]}
    for name, rows in pieces.items():
        write(tmp_path / "data" / name / "part.csv", lines[0] + "".join(rows))
    splits = split(tmp_path, tmp_path / "data", "folders")
    assert {name: len(rows) for name, rows in splits.items()} == {
        "train": 300,
        "eval": 100,
        "test": 200,
    }
    fares = [float(row["fare"]) for row in csv.DictReader([lines[0], *pieces["eval"]])]
    assert np.allclose([row["fare"] for row in splits["eval"]], fares)


def test_tf_examples_are_split_as_the_table_is(tmp_path):
    import tensorflow as tf

    artifact, _, _ = ingest(tmp_path / "a", TAXI)
    records = [record for rows in read(artifact).values() for record in rows]
    (tmp_path / "records").mkdir()
    path = str(tmp_path / "records" / "a.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record)
    for kind, column in (("by", "company"), ("time", "trip_start_timestamp")):
        table = split(tmp_path / f"b{kind}", TAXI, kind, column)
        same = split(tmp_path / f"c{kind}", tmp_path / "records", kind, column, format="tfrecord")
        for name, rows in table.items():
            if kind == "time":
                assert sorted(map(repr, rows)) == sorted(map(repr, same[name]))
            else:  # rows without a key are hashed as a whole
                keyed = [repr(row) for row in rows if row[column] is not None]
                others = [repr(row) for row in same[name] if row[column] is not None]
                assert sorted(keyed) == sorted(others)


def test_what_is_refused(tmp_path):
    table = "part,when,x\n" + "".join(f"train,2020-01-0{1 + i % 2},{i}\n" for i in range(40))
    source = write(tmp_path / "data.csv", table)
    bad = write(tmp_path / "bad.csv", table + "live,soon,5\n")

    def message(path, number, kind, column=""):
        rule = {"kind": kind, "column": column}
        return refused(tmp_path / str(number), path, split_rule=rule)[0]

    assert message(source, 1, "column", "part") == (
        "the data is too small: eval, test got no rows, there are 40 in all. "
        "Correct the column 'part'"
    )
    assert message(bad, 2, "column", "part") == (
        "the data cannot be split: column 'part': names a split, found 'live'. "
        "The splits are train, eval, test. Correct the column, or leave out data.split.column"
    )
    assert message(source, 3, "time", "when").endswith(
        "The column 'when' of data.split.time needs more different values"
    )
    assert "is a time: an ISO 8601 date, such as 2026-01-31 12:00, found 'soon'" in message(
        bad, 4, "time", "when"
    )
    assert "data.split.by is a column of the data" in message(source, 5, "by", "parts")
    assert "Did you mean 'part'?" in message(source, 6, "by", "parts")
    assert "needs more different values" in message(source, 7, "by", "part")
    write(tmp_path / "folders" / "train" / "a.csv", table)
    assert "eval/*: no files" in refused(
        tmp_path / "8", tmp_path / "folders", split_rule={"kind": "folders"}
    )[0].replace(str(tmp_path / "folders") + "/", "")


def test_files_in_several_units_give_the_same_splits(tmp_path, monkeypatch):
    from tfx_pipeline.components.example_gen import work_units

    lines = TAXI.read_text().splitlines(keepends=True)
    for number in range(4):
        rows = lines[1 + number :: 4]
        write(tmp_path / "data" / f"{number}.csv", lines[0] + "".join(rows))
    shutil.copy(TAXI, tmp_path / "all.csv")
    for kind, column in (("time", "trip_start_timestamp"), ("stratify", "payment_type")):
        one = split(tmp_path / f"one{kind}", tmp_path / "all.csv", kind, column)
        monkeypatch.setattr(work_units, "UNIT_BYTES", 1)
        several = split(tmp_path / f"several{kind}", tmp_path / "data", kind, column)
        monkeypatch.undo()
        for name in one:
            assert sorted(map(repr, one[name])) == sorted(map(repr, several[name]))
