import pytest

from tfx_pipeline.config.data_files import find, is_data


@pytest.mark.parametrize(
    ("name", "file_format", "expected"),
    [
        ("rows.csv", "csv", True),
        ("ROWS.CSV.GZ", "csv", True),
        ("rows.txt", "csv", False),
        (".rows.csv", "csv", False),
        ("_SUCCESS", "csv", False),
        ("rows.parquet", "parquet", True),
        ("data_tfrecord-00000-of-00002.gz", "tfrecord", True),
        ("data_tfrecord-00000-of-00002", "tfrecord", True),
        ("rows.csv", "tfrecord", False),
    ],
)
def test_data_files_are_known_by_their_names(name, file_format, expected):
    assert is_data(name, file_format) == expected


def test_the_files_of_a_folder_are_sorted_and_hold_no_folders(tmp_path):
    for name in ("b.csv", "a.csv", ".c.csv", "d.txt"):
        (tmp_path / name).write_text("x\n")
    (tmp_path / "e.csv").mkdir()
    assert [file.name for file in find(str(tmp_path), "csv")] == ["a.csv", "b.csv"]


def test_a_single_file_may_have_any_name(tmp_path):
    (tmp_path / "rows").write_text("x\n")
    assert find(str(tmp_path / "rows"), "csv") == [tmp_path / "rows"]


def test_a_span_pattern_may_name_folders_or_files(tmp_path):
    for name in ("span-1/a.csv", "span-2/b.csv", "span-2/b.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n")
    by_folder = find(str(tmp_path / "span-{SPAN}"), "csv")
    by_file = find(str(tmp_path / "span-{SPAN}" / "a.csv"), "csv")
    assert [file.name for file in by_folder] == ["a.csv", "b.csv"]
    assert [file.name for file in by_file] == ["a.csv"]


def test_what_is_not_there_has_no_files(tmp_path):
    assert find(str(tmp_path / "rows.csv"), "csv") == []
