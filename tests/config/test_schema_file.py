import pytest

from tfx_pipeline.config.schema_file import SchemaError, parse_schema, read_schema, summarise

SCHEMA = """\
default_environment: "TRAINING"
default_environment: "SERVING"
feature { name: "price" type: FLOAT }
feature { name: "hour" type: INT int_domain { min: 0 max: 23 } }
feature { name: "open" type: INT int_domain { min: 0 } }
feature { name: "bought" type: INT not_in_environment: "SERVING" }
feature { name: "only" type: BYTES in_environment: "TRAINING" }
"""


def test_a_summary_has_types_domains_and_environments():
    summary = summarise(parse_schema(SCHEMA))
    assert summary.types == {
        "price": "FLOAT",
        "hour": "INT",
        "open": "INT",
        "bought": "INT",
        "only": "BYTES",
    }
    assert set(summary.ranges) == {"hour"}
    assert summary.served == {"price", "hour", "open"}


def test_a_file_is_read_as_its_text_is(tmp_path):
    path = tmp_path / "schema.pbtxt"
    path.write_text(SCHEMA)
    assert read_schema(path) == parse_schema(SCHEMA) == parse_schema(SCHEMA.encode())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"feature { nme: 1 }", "does not parse: 1:11"),
        (b"\xff", "does not parse: "),
        (b"", "describes no feature"),
    ],
)
def test_what_is_not_a_schema(tmp_path, content, message):
    path = tmp_path / "schema.pbtxt"
    path.write_bytes(content)
    with pytest.raises(SchemaError) as caught:
        read_schema(path)
    assert str(caught.value).startswith(f"{path} {message}")
