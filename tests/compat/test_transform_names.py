"""A column's name can end with a slash."""

from __future__ import annotations

import pytest

from tfx_pipeline.compat import patch, table

pytestmark = pytest.mark.tensorflow


def _placeholders(names):
    import tensorflow as tf
    from tensorflow_transform import impl_helper

    specs = {name: tf.SparseTensorSpec([None, None], tf.string) for name in names}
    with tf.Graph().as_default():
        return impl_helper.batched_placeholders_from_specs(specs)


def test_names_with_slashes_at_both_ends():
    names = ["km/", "/km", "km", "a/b", "a//b"]
    with pytest.raises(ValueError, match="Duplicate node name"):
        _placeholders(["km/"])
    with patch.applied(table.BUILDING):
        made = _placeholders([*names, "a b", "a_b", "a:b"])
    assert list(made) == [*names, "a b", "a_b", "a:b"]
    assert len({tensor.values.op.name for tensor in made.values()}) == len(made)


def test_the_first_part_of_a_scope_is_not_shared_by_two_columns():
    """It becomes the name of a parameter when the graph is loaded."""
    with patch.applied(table.BUILDING):
        made = _placeholders(["a/b", "a b", "a:b", "a.b"])
    assert len({tensor.values.op.name.partition("/")[0] for tensor in made.values()}) == len(made)
