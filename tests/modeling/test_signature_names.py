"""A SavedModel whose inputs have the raw names of columns can be loaded and called."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize(
    "raw", ["fare", "Fläche (m²)", "½", "x y", "1", "性別", "class", "①", "m٣"]
)
def test_any_name_of_a_column(raw, tmp_path):
    import tensorflow as tf

    from tfx_pipeline.modeling.signature_names import amend

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="column_a")])
        def double(self, column_a):
            return {"doubled": 2.0 * column_a}

    model = Model()
    folder = str(tmp_path / "model")
    tf.saved_model.save(model, folder, signatures={"columns": model.double})
    amend(folder, {}, {"column_a": raw})
    found = tf.saved_model.load(folder).signatures["columns"](tf.constant([1.5]))
    assert found["doubled"].numpy().tolist() == [3.0]
