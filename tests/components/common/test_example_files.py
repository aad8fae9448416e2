"""Reading the examples of a split."""

from __future__ import annotations

import pytest

from tfx_pipeline.errors import NodeError

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize(
    ("split", "near"), [("evaluation", "Known: train, eval."), ("evl", "Did you mean 'eval'?")]
)
def test_a_missing_split_is_an_error_and_never_another_split(tmp_path, split, near):
    from tests.components import harness
    from tfx_pipeline.components.common import example_files

    examples = harness.examples(tmp_path, harness.rows(3))
    examples.split_names = '["train", "eval"]'
    with pytest.raises(NodeError) as error:
        example_files.files([examples], split)
    assert str(error.value) == f"the examples have no split {split!r}. {near}"
