"""A schema's text is changed where it differs; comments stay."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfx_pipeline.config import schema_text

TEXT = """\
# The shop.
default_environment: "TRAINING"

feature {
  name: "kind"  # how it was paid
  type: BYTES
  domain: "kinds"
  presence { min_fraction: 1.0 min_count: 1 }  # always
}
# A count.
feature { name: "count" type: INT int_domain { min: 0 max: 9 } }

string_domain {
  name: "kinds"
  value: "cash"
  # The new terminals.
  value: "card"
}
"""


def changed(text, change):
    before = text_format.Parse(text, schema_pb2.Schema())
    after = schema_pb2.Schema()
    after.CopyFrom(before)
    change(after)
    return schema_text.edit(text, before, after)


def test_a_number_is_replaced_in_its_place():
    def change(schema):
        schema.feature[1].int_domain.max = 12
        schema.feature[0].presence.min_fraction = 0.5

    expected = TEXT.replace("max: 9", "max: 12").replace("1.0", "0.5")
    assert changed(TEXT, change) == expected


def test_a_value_is_added_to_a_domain():
    expected = TEXT.replace('  value: "card"\n', '  value: "card"\n  value: "shells"\n')
    assert changed(TEXT, lambda s: s.string_domain[0].value.append("shells")) == expected


def test_a_field_is_added_and_one_removed():
    def change(schema):
        schema.feature[0].ClearField("presence")
        schema.feature[1].presence.min_count = 1
        schema.feature[1].lifecycle_stage = schema_pb2.DEPRECATED

    found = changed(TEXT, change)
    assert "# always" in found
    assert "# A count.\nfeature { name: " in found
    assert "presence { min_fraction" not in found


def test_a_feature_is_added():
    found = changed(TEXT, lambda s: s.feature.add(name="zip", type=schema_pb2.BYTES))
    assert found.startswith(TEXT.rstrip("\n"))
    assert 'feature {\n  name: "zip"\n  type: BYTES\n}' in found


def test_nothing_changes():
    assert changed(TEXT, lambda s: None) == TEXT


def test_every_feature_of_the_example(project):
    text = (project / "schema" / "taxi.pbtxt").read_text()

    def change(schema):
        for feature in schema.feature:
            feature.presence.min_count = 7
        schema.string_domain[0].value.append("Shells")

    found = changed(text, change)
    comments = [line.partition("#")[2] for line in text.splitlines() if "#" in line]
    assert [line.partition("#")[2] for line in found.splitlines() if "#" in line] == comments


def test_lists_in_brackets_are_refused_and_not_spoiled():
    text = 'feature { name: "a" } string_domain { name: "d" value: ["x", "y"] }'
    with pytest.raises(ValueError, match="cannot be changed in place"):
        changed(text, lambda s: s.string_domain[0].value.append("z"))
