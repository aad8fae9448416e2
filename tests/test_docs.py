"""The generated pages and the JSON Schema are up to date, and the schema is a useful one.

`pytest tests/test_docs.py --golden`, or `make docs`, writes the files again.
"""

from __future__ import annotations

import ast
import copy
import re

import pytest
import yaml

from scripts import make_docs

FILES = make_docs.files()
SCHEMA = make_docs.json_schema()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_generated_files_are_up_to_date(path, golden):
    golden(path, FILES[path])


@pytest.fixture
def validator():
    import jsonschema  # takes two seconds

    return jsonschema


def test_the_schema_is_itself_valid(validator):
    validator.Draft202012Validator.check_schema(SCHEMA)


def test_the_bundled_configuration_is_valid(validator, project):
    values = yaml.safe_load((project / "pipeline.yaml").read_text())
    validator.validate(values, SCHEMA)


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
def test_a_key_that_does_not_exist_is_refused(validator, project, section, key):
    values = yaml.safe_load((project / "pipeline.yaml").read_text())
    holder = wrong = copy.deepcopy(values)
    for part in section:
        holder = holder[part]
    holder[key] = 1
    with pytest.raises(validator.ValidationError, match=key):
        validator.validate(wrong, SCHEMA)


def test_every_section_refuses_unknown_keys():
    sections = {"(the file)": SCHEMA, **SCHEMA["$defs"]}
    open_ones = [n for n, s in sections.items() if s["additionalProperties"] is not False]
    assert open_ones == []


def test_every_key_has_a_meaning_that_ends_a_sentence():
    for name, section in {"(the file)": SCHEMA, **SCHEMA["$defs"]}.items():
        for key, value in section["properties"].items():
            assert value["description"].endswith("."), f"{name}.{key}"


PAGES = sorted([*(make_docs.DOCS).glob("*.md"), *make_docs.DOCS.parent.glob("*.md")])


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {make_docs.anchor(re.sub(r"\[(.*?)\]\(.*?\)", r"\1", text)) for text in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_project_lead_somewhere(page):
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_source_files_that_the_architecture_names_exist(project):
    text = (project / "docs" / "architecture.md").read_text()
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", text) + re.findall(r"^\| `(\w+/)`", text, re.M)
    assert len(named) > 40
    assert [name for name in named if not (project / "tfx_pipeline" / name).exists()] == []


def messages(project):
    """The texts in each source file; of an f-string, the pieces between its values."""
    paths = (
        path
        for top in ("tfx_pipeline", "modules", "scripts")
        for path in (project / top).rglob("*.py")
    )
    for path in paths:
        nodes = ast.walk(ast.parse(path.read_text()))
        constants = (node.value for node in nodes if isinstance(node, ast.Constant))
        yield "\n".join(" ".join(text.split()) for text in constants if isinstance(text, str))


def test_the_messages_that_troubleshooting_quotes_are_real(project):
    text = (project / "docs" / "troubleshooting.md").read_text()
    quoted = re.findall(r"^### (.*`.*)$", text, re.M)
    files = [*messages(project)]
    for heading in quoted:
        for message in re.findall(r"`([^`]+)`", heading):
            pieces = [piece.strip(" :.") for piece in message.split("…") if piece.strip(" :.[]')")]
            assert any(all(piece in file for piece in pieces) for file in files), message
