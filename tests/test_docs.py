"""The generated pages and the JSON Schema are up to date, and the schema is a useful one.

`pytest tests/test_docs.py --golden`, or `make docs`, writes the files again.
"""

from __future__ import annotations

import copy
import re

import jsonschema
import pytest
import yaml

from scripts import make_docs

FILES = make_docs.files()
SCHEMA = make_docs.json_schema()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_generated_files_are_up_to_date(path, golden):
    golden(path, FILES[path])


def test_the_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_bundled_configuration_is_valid(project):
    values = yaml.safe_load((project / "pipeline.yaml").read_text())
    jsonschema.validate(values, SCHEMA)


def test_the_bundled_configuration_names_the_schema(project):
    first = (project / "pipeline.yaml").read_text().splitlines()[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(.*)", first)
    assert named is not None
    assert (project / named[1]) in FILES


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ((), "nmae"),
        (("training",), "stepz"),
        (("features", "fare"), "bucket"),
        (("evaluation", "thresholds", "auc"), "minimum"),
        (("kubeflow", "step"), "memry"),
        ((), "schema_source"),
        ((), "folder"),
    ],
)
def test_a_key_that_does_not_exist_is_refused(project, section, key):
    values = yaml.safe_load((project / "pipeline.yaml").read_text())
    holder = wrong = copy.deepcopy(values)
    for part in section:
        holder = holder[part]
    holder[key] = 1
    with pytest.raises(jsonschema.ValidationError, match=key):
        jsonschema.validate(wrong, SCHEMA)


def test_every_section_refuses_unknown_keys():
    sections = {"(the file)": SCHEMA, **SCHEMA["$defs"]}
    open_ones = [n for n, s in sections.items() if s["additionalProperties"] is not False]
    assert open_ones == []


def test_every_key_has_a_meaning_that_ends_a_sentence():
    for name, section in {"(the file)": SCHEMA, **SCHEMA["$defs"]}.items():
        for key, value in section["properties"].items():
            assert value["description"].endswith("."), f"{name}.{key}"
