"""Internal names are plain, and different for different columns."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_pipeline.modeling import graph_names


@pytest.mark.parametrize(
    ("column", "name"),
    [("fare", "column_fare"), ("trip_miles", "column_trip_miles"), ("1", "column_1")],
)
def test_a_plain_name_is_kept(column, name):
    assert graph_names.of_column(column) == name


@given(st.text(max_size=80))
def test_a_name_is_one_that_tensorflow_python_and_file_systems_accept(column):
    assert re.fullmatch(r"column_[a-z0-9_]{1,60}", graph_names.of_column(column))


@given(st.text("aA_. é", max_size=4), st.text("aA_. é", max_size=4))
def test_names_of_different_columns_are_different_for_any_case(one, other):
    same = graph_names.of_column(one) == graph_names.of_column(other)
    assert same == (one == other)


def test_a_digest_is_no_plain_name():
    name = graph_names.of_column("x y").removeprefix("column_")
    assert graph_names.of_column(name) != graph_names.of_column("x y")
