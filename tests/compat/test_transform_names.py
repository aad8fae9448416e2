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
        assert list(_placeholders(names)) == names
