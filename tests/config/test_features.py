"""Treatments of columns: the built-in ones and a class of one's own are found in one way."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pydantic
import pytest

from tests.projects import environment
from tfx_pipeline.config import features
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.preflight import check
from tfx_pipeline.config.treatment import SchemaColumn, Treatment
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.user_code.loader import LoadError

SPLINE = """\
from typing import Annotated

import tensorflow as tf
import tf_keras
from pydantic import Field

from tfx_pipeline.modeling.numeric import Numeric


class Spline(Numeric):
    knots: Annotated[int, Field(ge=2, le=100)] = 5

    def scale(self, values, statistics):
        return tf.cast(values, tf.float64)


class Broken(Numeric):
    def check(self, column):
        raise KeyError("no such table")


def function():
    pass
"""
TAKEN = """\
from tfx_pipeline.modeling.numeric import Numeric


class Taken(Numeric):
    column: int = 1
"""
PIPELINE = """\
name: shop
data: {path: rows.csv}
label: {name: bought, task: binary}
features:
  price: {transform: shop_treatments.columns.Spline, %s}
schema: {path: schema.pbtxt}
"""
SCHEMA = """\
feature { name: "price" type: %s }
feature { name: "bought" type: INT }
"""


@pytest.fixture(params=["", "src"], ids=["beside the file", "below src"])
def shop(tmp_path, request, monkeypatch):
    """A project whose package has no __init__.py."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    package = tmp_path / request.param / "shop_treatments"
    package.mkdir(parents=True)
    (package / "columns.py").write_text(SPLINE)
    (tmp_path / "rows.csv").write_text("price,bought\n1.5,0\n")
    (tmp_path / "schema.pbtxt").write_text(SCHEMA % "FLOAT")
    (tmp_path / "pipeline.yaml").write_text(PIPELINE % "knots: 7")
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("shop_treatments")]:
        del sys.modules[name]


def problems(shop, text):
    (shop / "pipeline.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(shop / "pipeline.yaml")
    return caught.value.problems


def test_a_class_of_ones_own_holds_its_settings(shop):
    config = load_config(shop / "pipeline.yaml")
    price = config.features["price"]
    assert (type(price).__name__, price.knots, price.missing) == ("Spline", 7, "mean")
    assert config.dump()["features"]["price"]["knots"] == 7
    assert check(config) == []


def test_what_a_node_is_given_restores_the_class(shop):
    config = load_config(shop / "pipeline.yaml")
    adapter = pydantic.TypeAdapter(dict[str, features.Feature])
    assert adapter.validate_python(config.dump()["features"]) == config.features


def test_an_unknown_setting_has_a_suggestion(shop):
    (problem,) = problems(shop, PIPELINE % "knot: 7")
    assert problem.where == "features.price.knot"
    assert "unknown key of transform 'shop_treatments.columns.Spline'" in problem.message
    assert problem.remedy == "Did you mean 'knots'?"
    assert problem.line == 5


def test_the_bounds_of_a_setting_are_checked(shop):
    (problem,) = problems(shop, PIPELINE % "knots: 1")
    assert (problem.where, problem.message) == (
        "features.price.knots", "must be at least 2, found 1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ("shop_treatments.columns.Splin", r"has no 'Splin'\. Did you mean 'Spline'\?"),
        (
            "shop_treatments.colums.Spline",
            r"there is no module 'shop_treatments.colums'\. Searched: /",
        ),
        ("shop_treatments.columns.function", "is not a treatment"),
        ("zscor", r"there is no transform 'zscor'\. Did you mean 'zscore'\?"),
    ],
)
def test_what_cannot_be_found_is_one_problem(shop, transform, message):
    text = PIPELINE.replace("shop_treatments.columns.Spline", transform) % "indicator: true"
    found = problems(shop, text)
    assert [problem.where for problem in found] == ["features.price"]
    with pytest.raises(ConfigError, match=message):
        raise ConfigError(found)


@pytest.mark.filterwarnings("ignore:Field name")  # pydantic's own warning says less
def test_a_setting_cannot_have_the_name_of_a_method(shop):
    (file,) = shop.rglob("columns.py")
    file.write_text(TAKEN)
    (problem,) = problems(shop, PIPELINE.replace("Spline", "Taken") % "column: 2")
    assert "has a setting named 'column'" in problem.message


def test_a_module_that_raises_is_named_with_file_and_line(shop):
    (file,) = shop.rglob("columns.py")
    file.write_text("import json\n\njson.loads('{')\nSpline = None\n")
    (problem,) = problems(shop, PIPELINE % "knots: 7")
    assert f"({file}, line 3)" in problem.message
    assert "JSONDecodeError" in problem.message


def test_the_schemas_type_is_checked_by_the_class(shop):
    (shop / "schema.pbtxt").write_text(SCHEMA % "BYTES")
    (problem,) = check(load_config(shop / "pipeline.yaml"))
    assert problem.where == "features.price"
    assert "does not fit a column of type BYTES" in problem.message


def test_a_check_that_raises_is_reported_by_name(shop):
    text = PIPELINE.replace("Spline", "Broken") % "indicator: true"
    (shop / "pipeline.yaml").write_text(text)
    (problem,) = check(load_config(shop / "pipeline.yaml"))
    line = SPLINE.splitlines().index('        raise KeyError("no such table")') + 1
    assert problem.message.startswith("shop_treatments.columns.Broken.check raised KeyError")
    assert f"columns.py, line {line})" in problem.message


def test_two_projects_may_give_their_packages_the_same_name(shop, tmp_path_factory):
    load_config(shop / "pipeline.yaml")
    other = tmp_path_factory.mktemp("other")
    (other / "shop_treatments").mkdir()
    (other / "shop_treatments" / "columns.py").write_text(SPLINE.replace("= 5", "= 9"))
    (other / "pipeline.yaml").write_text(PIPELINE % "indicator: true")
    assert load_config(other / "pipeline.yaml").features["price"].knots == 9
    assert load_config(shop / "pipeline.yaml").features["price"].knots == 7


def test_checking_a_class_imports_no_tensorflow(shop):
    code = """
        import sys
        from tfx_pipeline import check, load_config
        config = load_config(sys.argv[1] + "/pipeline.yaml")
        assert not check(config)
        slow = {"tensorflow", "tf_keras", "tensorflow_transform"}
        print(config.features["price"].knots, sorted(slow.intersection(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(shop)],
        capture_output=True, text=True, env=environment(), cwd="/", check=True,
    )  # fmt: skip
    assert done.stdout == "7 []\n"


@pytest.mark.parametrize("name", features.BUILT_IN)
def test_each_built_in_treatment_is_one_class(name):
    found = features.find(name)
    assert issubclass(found, Treatment)
    assert found(transform=name).transform == name


@pytest.mark.parametrize(
    ("name", "kind", "fits"),
    [
        ("zscore", "FLOAT", True),
        ("zscore", "INT", True),
        ("zscore", "BYTES", False),
        ("hash", "BYTES", True),
        ("hash", "INT", True),
        ("hash", "FLOAT", False),
        ("integer", "FLOAT", False),
        ("integer", "BYTES", False),
    ],
)
def test_a_treatment_fits_some_types(name, kind, fits):
    treatment = features.find(name)(transform=name)
    assert (list(features.misfits(treatment, SchemaColumn("a", kind))) == []) is fits


def test_an_integer_needs_a_domain_that_can_be_embedded():
    integer = features.find("integer")(transform="integer")
    assert list(features.misfits(integer, SchemaColumn("a", "INT", (0, 23)))) == []
    ((message, _),) = features.misfits(integer, SchemaColumn("a", "INT"))
    assert message == "the range of its integers is not known"
    ((message, _),) = features.misfits(integer, SchemaColumn("a", "INT", (1, 10**6 + 1)))
    assert message == "has a domain of 1000001 values"


def test_an_unknown_name_is_a_load_error():
    with pytest.raises(LoadError, match="Did you mean 'buckets'"):
        features.find("bucket")
