"""Models that load quickly, and whose predictions show which version answered."""

from __future__ import annotations

import pathlib
import threading

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving import Client

NAME = "tiny"
PREDICT = f"/v1/models/{NAME}:predict"
ONE = {"instances": [2.0]}

ROUNDS_A_SECOND = 40_000
"""About how many rounds `slow` does in a second on a slow machine."""


def answer_of(version):
    return {"predictions": [1.0 + version]}


def save(folder: pathlib.Path, version: int) -> None:
    """`serving_default`: y = x / 2 + version; `regress`: the same from tf.Examples;
    `slow`: y = version, after the requested number of rounds."""
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


class Load:
    """Clients that send requests without a pause, and their results."""

    def __init__(self, server, count=4):
        self.answers, self.failures, self._stop = [], [], threading.Event()
        targets = [server.grpc, server.rest] * (count // 2)
        self._threads = [threading.Thread(target=self._run, args=[t]) for t in targets]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, target):
        with Client(target, NAME, signature="serving_default", timeout=60) as client:
            while not self._stop.is_set():
                try:
                    self.answers.append(float(client.predict([{"x": 2.0}])["y"][0]))
                except ServingError as error:
                    self.failures.append(error)
