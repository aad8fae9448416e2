"""Models that load at once, and whose answers say which version gave them."""

from __future__ import annotations

import pathlib

ROUNDS_A_SECOND = 40_000
"""About how often `slow` turns in a second on a slow machine."""


def save(folder: pathlib.Path, version: int) -> None:
    """`serving_default`: y = x / 2 + version; `regress`: the same from tf.Examples;
    `slow`: y = version, after as many rounds as are asked for."""
    import tensorflow as tf

    class Tiny(tf.Module):
        def __init__(self):
            super().__init__()
            self.offset = tf.Variable(float(version))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def half_plus(self, x):
            return {"y": x / 2 + self.offset}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
        def regress(self, inputs):
            parsed = tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([], tf.float32)})
            return {"outputs": parsed["x"] / 2 + self.offset}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="rounds")])
        def slow(self, rounds):
            count = tf.constant(0, tf.int64)
            for _ in tf.range(rounds[0]):
                count += 1
            return {"y": tf.reshape(self.offset + 0 * tf.cast(count, tf.float32), [1])}

    model = Tiny()
    signatures = {"serving_default": model.half_plus, "regress": model.regress, "slow": model.slow}
    tf.saved_model.save(model, str(folder), signatures)


def push(base_path: pathlib.Path, version: int) -> pathlib.Path:
    """Puts a version into a push folder, as the Pusher does: by rename."""
    aside = base_path / f".{version}"
    save(aside, version)
    return aside.rename(base_path / str(version))
