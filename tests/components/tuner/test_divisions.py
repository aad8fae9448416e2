"""Other divisions of the rows of train and eval."""

from __future__ import annotations

import collections

import pytest

pytestmark = [pytest.mark.tensorflow]


def write(folder, split, rows):
    """The rows of a split in two files; returns the pattern that a `run_fn` is given."""
    import tensorflow as tf

    for part in (0, 1):
        with tf.io.TFRecordWriter(str(folder / f"{split}-{part}.gz"), "GZIP") as writer:
            for row in rows[part::2]:
                writer.write(row)
    return [str(folder / f"{split}-*")]


def read(file):
    import tensorflow as tf

    return collections.Counter(tf.data.TFRecordDataset(file, "GZIP").as_numpy_iterator())


@pytest.fixture
def folder(tmp_path):
    """For what is written."""
    result = tmp_path / "written"
    result.mkdir()
    return str(result)


@pytest.fixture
def splits(tmp_path):
    """600 rows to train on, of which 100 are there twice, and 200 of eval."""
    train = [f"train {number % 500}".encode() for number in range(600)]
    evaluation = [f"eval {number}".encode() for number in range(200)]
    return write(tmp_path, "train", train), write(tmp_path, "eval", evaluation)


def test_each_division_holds_out_other_rows_of_train_and_trains_on_those_of_eval(splits, folder):
    from tfx_pipeline.components.tuner import divisions

    assert divisions.count(*splits) == 3
    train, evaluation = (
        sum(map(read, files), collections.Counter()) for files in map(_glob, splits)
    )
    held_out = collections.Counter()
    for number in (1, 2, 3):
        kept, out = map(read, divisions.write(number, *splits, folder))
        assert kept + out == train + evaluation
        assert not set(kept) & set(out)  # equal rows are together
        assert not set(out) & set(evaluation)
        assert not set(out) & set(held_out)
        assert 140 < out.total() < 260
        held_out += out
    assert held_out == train


def _glob(patterns):
    import tensorflow as tf

    return sorted(tf.io.gfile.glob(patterns))


def test_a_large_eval_split_decides_alone(tmp_path):
    from tfx_pipeline.components.tuner import divisions

    rows = [str(number).encode() for number in range(20_000)]
    train, evaluation = write(tmp_path, "train", rows), write(tmp_path, "eval", rows)
    assert divisions.count(train, evaluation) == 0
    assert divisions.count(train, write(tmp_path, "eval", rows[1:])) == 1


def test_without_rows_there_is_nothing_to_divide(splits, tmp_path):
    from tfx_pipeline.components.tuner import divisions

    assert divisions.count(splits[0], [str(tmp_path / "none-*")]) == 0
    assert divisions.count([str(tmp_path / "none-*")], splits[1]) == 0


def test_a_division_that_would_hold_out_no_row_is_none(tmp_path, folder):
    """Equal rows stay together, so few different rows are in few of the parts."""
    from tfx_pipeline.components.tuner import divisions

    train = write(tmp_path, "train", [b"the same"] * 300)
    evaluation = write(tmp_path, "eval", [b"another"] * 100)
    for number in range(1, divisions.count(train, evaluation) + 1):
        kept, out = map(read, divisions.write(number, train, evaluation, folder))
        assert out
        assert kept


def test_files_of_another_format_are_not_divided(splits, tmp_path):
    from tfx_pipeline.components.tuner import divisions

    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and more")
    assert divisions.count([str(tmp_path / "rows.parquet")], splits[1]) == 0
    assert divisions.count(splits[0], [str(tmp_path / "rows.parquet")]) == 0
