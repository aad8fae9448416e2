"""A training in a process of its own: TensorFlow's devices are set once, before its first use.

    python -m tests.modeling.train_on_devices CPUS FOLDER TRANSFORMED.json MODEL.json TRAINING.json

Prints the seconds of `run_fn`.
"""

from __future__ import annotations

import json
import pathlib
import sys
import time


def main(cpus: str, folder: str, transformed: str, model: str, training: str) -> None:
    """Trains with `CPUS` logical devices."""
    from tfx_pipeline.compat.tensorflow_environment import prepare_environment

    prepare_environment()
    import tensorflow as tf

    from tests.modeling import harness

    if int(cpus) > 1:
        device = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * int(cpus)
        tf.config.set_logical_device_configuration(device, parts)
    start = time.monotonic()
    harness.train(
        harness.Transformed(**json.loads(transformed)),
        pathlib.Path(folder),
        json.loads(model),
        **json.loads(training),
    )
    print(json.dumps({"seconds": time.monotonic() - start}))


if __name__ == "__main__":
    main(*sys.argv[1:])
