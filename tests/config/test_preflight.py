import gzip
import pathlib
import re

import pytest

from tfx_pipeline.config import preflight as checks
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.errors import ConfigError

SCHEMA = """\
default_environment: "TRAINING"
default_environment: "SERVING"
feature { name: "price" type: FLOAT }
feature { name: "city" type: BYTES }
feature { name: "age" type: INT }
feature { name: "hour" type: INT int_domain { min: 0 max: 23 } }
feature { name: "bought" type: INT not_in_environment: "SERVING" }
"""
HEADER = "price,city,age,hour,bought\n"


@pytest.fixture
def with_schema(shop):
    """The small configuration with a schema and columns of each type."""
    (shop.parent / "schema.pbtxt").write_text(SCHEMA)
    (shop.parent / "data" / "rows.csv").write_text(HEADER + "1,a,2,3,1\n")
    shop.write_text(shop.read_text() + "schema: {path: schema.pbtxt}\n")
    return shop


def problems_of(file, *overrides):
    return [str(problem) for problem in checks.check(load_config(file, overrides))]


def the_problem(file, *overrides):
    problems = problems_of(file, *overrides)
    assert len(problems) == 1, problems
    return problems[0]


def test_nothing_is_wrong(shop):
    assert problems_of(shop) == []
    checks.preflight(load_config(shop))


def test_nothing_is_wrong_with_the_bundled_example(project):
    assert problems_of(project / "pipeline.yaml") == []


def test_groups_are_columns_of_the_data_and_of_the_schema(shop, with_schema):
    problems = problems_of(with_schema, "gates.bias.groups=[city, agee]")
    assert problems == [
        "gates.bias.groups.1: the data has no column 'agee' "
        f"({shop.parent}/data/rows.csv). Did you mean 'age'?",
        "gates.bias.groups.1: the schema has no 'agee'. Did you mean 'age'?",
    ]


def test_preflight_raises_all_problems(shop):
    (shop.parent / "data" / "rows.csv").write_text("prize,bought\n1,1\n")
    with pytest.raises(ConfigError) as caught:
        checks.preflight(load_config(shop))
    assert [problem.where for problem in caught.value.problems] == [
        "features.price",
        "features.city",
    ]
    assert caught.value.exit_code == 2


def test_data_that_is_not_there(shop):
    assert the_problem(shop, "data.path=dta").endswith("does not exist. Did you mean 'data'?")


def test_a_folder_without_data(shop):
    (shop.parent / "data" / "rows.csv").rename(shop.parent / "data" / "rows.txt")
    assert "has no files *.csv or *.csv.gz" in the_problem(shop)


def test_a_single_file_may_have_any_name(shop):
    (shop.parent / "data" / "rows.csv").rename(shop.parent / "rows.txt")
    assert problems_of(shop, "data.path=rows.txt") == []


def test_a_missing_column_is_named_with_a_near_one(shop):
    (shop.parent / "data" / "rows.csv").write_text("prize,city,bought\n1,Rome,1\n")
    problem = the_problem(shop)
    assert problem.startswith("features.price: the data has no column 'price'")
    assert problem.endswith("Did you mean 'prize'?")


def test_a_missing_label(shop):
    (shop.parent / "data" / "rows.csv").write_text("price,city\n1,Rome\n")
    assert the_problem(shop).startswith("label.name: the data has no column 'bought'")


def test_a_column_may_be_in_some_files_only(shop):
    (shop.parent / "data" / "rows.csv").write_text("price,bought\n1,1\n")
    assert "'city'" in the_problem(shop)
    (shop.parent / "data" / "sold.csv").write_text("bought,price,city\n1,1,Rome\n")
    assert problems_of(shop) == []


def test_a_file_without_a_header_needs_names(shop):
    (shop.parent / "data" / "rows.csv").write_text("1.5,Rome,1\n2,Oslo,0\n")
    assert "data.header" in the_problem(shop)
    assert problems_of(shop, "data.header=[price, city, bought]") == []


def test_a_type_of_a_column_that_is_not_there(shop):
    expected = "columns.cty: the data has no column 'cty'. Did you mean 'city'?"
    assert the_problem(shop, "columns.cty=text") == expected


def test_a_type_that_the_schema_contradicts(with_schema):
    assert problems_of(with_schema, "columns.bought=boolean", "columns.city=datetime") == []
    problem = the_problem(with_schema, "columns.age=text")
    assert problem == (
        "columns.age: text is held as BYTES, and the schema says INT. Correct one of them"
    )


def test_a_file_without_a_header_and_a_wrong_delimiter(shop):
    (shop.parent / "data" / "rows.csv").write_text("price;city;bought\n1;Rome;1\n")
    assert "Check data.delimiter" in the_problem(shop)
    assert problems_of(shop, "data.delimiter=;") == []


def test_quotes_a_byte_order_mark_and_compression(shop):
    (shop.parent / "data" / "rows.csv").unlink()
    content = '\ufeff"price","city","bought"\r\n1,Rome,1\r\n'.encode()
    (shop.parent / "data" / "rows.csv.gz").write_bytes(gzip.compress(content))
    assert problems_of(shop) == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\xfa,city\n"])
def test_files_that_cannot_be_read_are_left_to_example_gen(shop, content):
    (shop.parent / "data" / "rows.csv").write_bytes(content)
    assert problems_of(shop) == []


def test_spans(shop):
    for span in ("1", "2"):
        (shop.parent / f"span-{span}").mkdir()
        (shop.parent / f"span-{span}" / "rows.csv").write_text("price,city,bought\n1,Rome,1\n")
    assert problems_of(shop, "data.path=span-{SPAN}") == []
    assert problems_of(shop, "data.path=span-{SPAN}/rows.csv") == []
    assert "has no files" in the_problem(shop, "data.path=spam-{SPAN}")


def test_parquet_columns(shop):
    import pyarrow.parquet

    table = pyarrow.table({"price": [1.0], "bought": [1]})
    pyarrow.parquet.write_table(table, shop.parent / "data" / "rows.parquet")
    assert "'city'" in the_problem(shop, "data.format=parquet")


def test_an_excluded_column_that_is_not_there(shop):
    assert "the data has no column 'tips'" in the_problem(shop, "data.exclude=[tips]")


def test_a_schema_that_is_not_there(shop):
    assert "does not exist" in the_problem(shop, "schema.path=none.pbtxt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("feature { name: 'price' typ: INT }", "does not parse: 1:25"),
        ("feature {", "does not parse"),
        ("", "describes no feature"),
    ],
)
def test_schemas_that_cannot_be_used(shop, text, message):
    (shop.parent / "schema.pbtxt").write_text(text)
    assert message in the_problem(shop, "schema.path=schema.pbtxt")


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ("city={transform: zscore}", "'zscore' does not fit a column of type BYTES"),
        ("price={transform: vocabulary}", "'vocabulary' does not fit a column of type FLOAT"),
        ("price={transform: integer}", "'integer' does not fit a column of type FLOAT"),
        ("city={transform: integer}", "Use vocabulary, hash or text"),
        ("age={transform: integer}", "the range of its integers is not known"),
        ("size={transform: log}", "the schema has no 'size'"),
    ],
)
def test_treatments_that_do_not_fit_the_schema(with_schema, feature, message):
    if feature.startswith("size"):
        rows = with_schema.parent / "data" / "rows.csv"
        rows.write_text("size," + rows.read_text())
    problem = the_problem(with_schema, f"features.{feature}")
    assert problem.startswith(f"features.{feature.partition('=')[0]}: ")
    assert message in problem


@pytest.mark.parametrize(
    "feature",
    [
        "age={transform: integer, min: 0, max: 99}",
        "hour={transform: integer}",
        "hour={transform: vocabulary}",
        "age={transform: log}",
    ],
)
def test_treatments_that_fit_the_schema(with_schema, feature):
    assert problems_of(with_schema, f"features.{feature}") == []


def test_a_label_that_the_schema_wants_when_serving(with_schema):
    text = SCHEMA.replace('not_in_environment: "SERVING"', "")
    (with_schema.parent / "schema.pbtxt").write_text(text)
    assert "not_in_environment: 'SERVING'" in the_problem(with_schema)


def test_a_label_that_is_not_in_the_schema(with_schema):
    text = SCHEMA.replace('"bought"', '"sold"')
    (with_schema.parent / "schema.pbtxt").write_text(text)
    assert the_problem(with_schema).startswith("label.name: the schema has no 'bought'")


def test_slices(with_schema):
    assert problems_of(with_schema, "evaluation.slices=[[hour], [city, age]]") == []
    problem = the_problem(with_schema, "evaluation.slices=[[hour], [cty]]")
    expected = "evaluation.slices.1: there is no column 'cty'. Did you mean 'city'?"
    assert problem == expected


def test_slices_without_a_schema(shop):
    assert "Did you mean 'city'?" in the_problem(shop, "evaluation.slices=[[cty]]")


@pytest.mark.parametrize("key", ["root", "serving.push_dir"])
def test_folders_that_cannot_be_made(shop, key):
    assert "is not a folder" in the_problem(shop, f"{key}=pipeline.yaml/build")


def test_folders_that_cannot_be_written(shop, monkeypatch):
    monkeypatch.setattr(checks.os, "access", lambda *_: False)
    assert all("is not writable" in problem for problem in problems_of(shop))


USER_CODE = """\
from elsewhere import borrowed
if True:
    def conditional(): ...
def run_fn(fn_args): ...
"""


@pytest.mark.parametrize("name", ["run_fn", "borrowed", "conditional"])
def test_functions_of_the_user(shop, name):
    (shop.parent / "my_code.py").write_text(USER_CODE)
    assert problems_of(shop, f"modules.run_fn=my_code.{name}") == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("my_code.rum_fn", "has no 'rum_fn'. Did you mean 'run_fn'?"),
        ("no_code.run_fn", "there is no module 'no_code'"),
        ("my_code.deeper.run_fn", "there is no module 'my_code.deeper'"),
        ("broken.run_fn", "broken.py, line 2: "),
    ],
)
def test_functions_that_are_not_there(shop, path, message):
    (shop.parent / "my_code.py").write_text(USER_CODE)
    (shop.parent / "broken.py").write_text("import os\ndef run_fn(:\n")
    problem = the_problem(shop, f"modules.extend=[{path}]")
    assert problem.startswith("modules.extend.0: ")
    assert message in problem


def test_a_tuner_fn_that_is_not_there(shop):
    (shop.parent / "my_code.py").write_text(USER_CODE)
    problem = the_problem(shop, "tuning={tuner_fn: my_code.tuner_fn}")
    assert problem.startswith("tuning.tuner_fn: my_code.tuner_fn: ")


def test_of_a_large_table_only_the_header_is_read(shop):
    with (shop.parent / "data" / "rows.csv").open("ab") as rows:
        rows.truncate(64 << 20)
    before = bytes_read()
    assert problems_of(shop) == []
    assert bytes_read() - before < 4 << 20


def bytes_read() -> int:
    """What this process has read from files so far, as the kernel counts it."""
    return int(re.search(r"rchar: (\d+)", pathlib.Path("/proc/self/io").read_text())[1])
