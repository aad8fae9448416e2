"""`tfx-pipeline predict` with wrong options, files and servers."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.serving import tiny

GOOD = {"trip_start_month": 5, "trip_start_timestamp": 1, "trip_start_day": 6, "trip_start_hour": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--key", "x"), "--key: only with --split or --canary-percent"),
        (("--header", "x"), "--header: must be NAME:VALUE, found 'x'"),
        (("--target", "ftp://h"), "ftp:// is not supported"),
        (("--version", "1", "--label", "x"), "a version or a label, not both"),
        (("--canary-percent", "101"), "--canary-percent"),
        (("--canary-percent", "5", "--version", "1"), "a split chooses the label"),
    ],
)
def test_wrong_usage(invoke, tmp_path, arguments, message):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    done = invoke("predict", tmp_path / "rows.csv", "--model", "x", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_no_server(tfx_pipeline, tmp_path):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    done = tfx_pipeline("predict", tmp_path / "rows.csv", "--model", "x", "--timeout", "0.2",
                        "--target", "127.0.0.1:1")  # fmt: skip
    assert done.returncode == 1
    assert "127.0.0.1:1 cannot be reached" in done.stderr
    assert "Start one: tfx-pipeline serve" in done.stderr


def test_no_model(invoke, tmp_path):
    done = invoke("predict", "rows.csv", "--config", tmp_path / "none.yaml")
    assert done.returncode == 2
    assert "--model: is not given, and there is no " in done.stderr


@pytest.fixture
def predict(server, invoke, tmp_path):
    """Runs the command on a file with that text, with the shared server."""

    def run(name, text, *arguments):
        file = tmp_path / name
        file.write_text(text)
        options = ("--target", server.grpc, "--model", "chicago-taxi")
        return invoke("predict", file, *options, *arguments)

    return run


BROKEN = {
    "a wrong row": (
        "rows.jsonl",
        f"{json.dumps(GOOD)}\n{json.dumps({**GOOD, 'fare': 'poison'})}\n",
        "row 2, column fare: must be a number, found 'poison'",
    ),
    "invalid JSON": ("rows.jsonl", f"{json.dumps(GOOD)}\n{{\n", "line 2: is not valid JSON"),
    "not an object": ("rows.jsonl", "3\n", "row 1: must be a mapping of columns to values"),
    "an unknown column": (
        "rows.jsonl",
        json.dumps({**GOOD, "fares": 1}),
        "fares: is not a column of the model. Did you mean 'fare'?",
    ),
    "a column that is nearly one": (
        "rows.csv",
        "trip_start_month,trip_start_timestamp,trip_start_day,trip_start_hours\n5,1,6,1\n",
        "Did you mean 'trip_start_hour'?",
    ),
    "a short row": ("rows.csv", "fare,trip_miles\n1\n", "row 1: must have 2 values, found 1"),
    "no header": ("rows.csv", "", "has no header row"),
}


@pytest.mark.e2e
@pytest.mark.tensorflow
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file(predict, tmp_path, case):
    name, text, message = BROKEN[case]
    done = predict(name, text, "--output", tmp_path / "predictions")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "predictions").exists()


@pytest.mark.e2e
@pytest.mark.tensorflow
def test_a_version_label_or_signature_that_does_not_exist(predict):
    row = json.dumps(GOOD)
    for arguments, message in [
        (("--version", "9"), "Specific(chicago-taxi, 9)"),
        (("--label", "nix"), "Unrecognized servable version label: nix"),
    ]:
        done = predict("rows.jsonl", row, *arguments)
        assert done.returncode == 1
        assert message in done.stderr
    done = predict("rows.jsonl", row, "--signature", "colums")
    assert done.returncode == 2
    assert "model chicago-taxi has no 'colums'. Did you mean 'columns'?" in done.stderr


@pytest.mark.e2e
@pytest.mark.tensorflow
def test_print_curl_needs_rest(predict):
    done = predict("rows.jsonl", json.dumps(GOOD), "--print-curl")
    assert done.returncode == 2
    assert "Give the address of REST: --target http://localhost:8501" in done.stderr


@pytest.mark.e2e
@pytest.mark.tensorflow
def test_no_rows_are_not_an_error(predict):
    done = predict("rows.jsonl", "")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


@pytest.mark.e2e
@pytest.mark.tensorflow
def test_a_model_without_columns_is_called_by_serving_default(tiny_server, invoke, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("x\n2\n4\n")
    options = ("--target", tiny_server.grpc, "--model", tiny.NAME)
    done = invoke("predict", file, *options)
    assert done.returncode == 0, done.stderr
    assert [*csv.DictReader(io.StringIO(done.stdout))] == [{"y": "2.0"}, {"y": "3.0"}]
    assert invoke("predict", file, *options, "--signature", "columns").returncode == 2
