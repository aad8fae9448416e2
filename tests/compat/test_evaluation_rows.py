"""Rows of a batch of TensorFlow Model Analysis are the same, made column by column."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow


def batch(**more):
    """A batch of three rows as the Evaluator has it: numbers, texts, lists, nested."""
    from tensorflow_model_analysis.api.types import VarLenTensorValue

    lists = [np.array([1, 2]), np.array([], np.int64), np.array([3])]
    return {
        "labels": np.array([0, 1, 1]),
        "predictions": np.array([[0.5], [0.25], [1.0]], np.float32),
        "features": {
            "city": np.array([b"Rome", b"", b"Oslo"], object),
            "scores": np.arange(12, dtype=np.float32).reshape(3, 2, 2),
            "none": np.empty((3, 0), np.int64),
            "lists": VarLenTensorValue.from_dense_rows(lists),
            "deep": {"er": np.array([1.5, np.nan, 2.5])},
        },
        **more,
    }


def described(tree):
    """Values with their types, in the order of their names."""
    if isinstance(tree, dict):
        return {key: described(value) for key, value in tree.items()}
    if isinstance(tree, np.ndarray):
        return tree.dtype, tree.shape, repr(tree)
    return type(tree), repr(tree)


def cases():
    from tensorflow_model_analysis.api import types

    sparse = types.SparseTensorValue(
        values=np.array([7, 8]), indices=np.array([[0, 1], [2, 0]]), dense_shape=np.array([3, 2])
    )
    nothing = types.VarLenTensorValue.from_dense_rows([np.array([], np.int64)] * 3)
    return {
        "usual": ({}, {}, True),
        "without rows": ({"labels": np.array([], np.int64)}, {}, False),
        "none": ({"weights": None}, {}, False),
        "sparse": ({"sparse": sparse}, {}, False),
        "no value at all": ({"nothing": nothing}, {}, False),
        "a list": ({"list": [1, 2, 3]}, {}, False),
        "an empty dict": ({"empty": {}}, {}, False),
        "with a batch dimension": ({}, {"keep_batch_dim": True}, False),
        "scalars": ({}, {"expand_zero_dims": False}, False),
    }


@pytest.mark.parametrize(
    "name",
    ["usual", "without rows", "none", "sparse", "no value at all", "a list", "an empty dict",
     "with a batch dimension", "scalars"],
)  # fmt: skip
def test_rows_are_the_same(name):
    from tensorflow_model_analysis.utils import util

    from tfx_pipeline.compat.patch import applied
    from tfx_pipeline.compat.table import EVALUATION_ROWS

    more, options, is_quick = cases()[name]
    stock_split, calls = util.split_extracts, []

    def counted(*arguments):
        calls.append(1)
        return stock_split(*arguments)

    stock = stock_split(batch(**more), **options)
    util.split_extracts = counted
    try:
        with pytest.MonkeyPatch.context() as patcher:
            patcher.setattr(util, "split_extracts", EVALUATION_ROWS.new_value(util.split_extracts))
            ours = util.split_extracts(batch(**more), **options)
    finally:
        util.split_extracts = stock_split
    assert [*map(described, ours)] == [*map(described, stock)]
    assert stock or name == "without rows"
    assert is_quick is (not calls)
    with applied([EVALUATION_ROWS]):
        assert (util.split_extracts is not stock_split) is EVALUATION_ROWS.is_for_installed()
