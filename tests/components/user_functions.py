"""Functions of a user, for the tests, named by dotted path."""

from __future__ import annotations

import json
import pathlib

from tests.components import recorded_calls


def preprocessing_fn(inputs, custom_config):
    """One z-score, one vocabulary, the label; fails without the schema."""
    import tensorflow as tf
    import tensorflow_transform as tft

    assert 'name: "fare"' in custom_config["schema"]
    fare = tf.sparse.to_dense(inputs["fare"]) if _sparse(inputs["fare"]) else inputs["fare"]
    kind = tf.sparse.to_dense(inputs["kind"]) if _sparse(inputs["kind"]) else inputs["kind"]
    return {
        "fare": tft.scale_to_z_score(fare) * custom_config["factor"],
        "kind": tft.compute_and_apply_vocabulary(kind, num_oov_buckets=1, vocab_filename="kind"),
        "label": inputs["label"],
    }


def counted_preprocessing_fn(inputs, custom_config):
    """The same, and records each call: TensorFlow Transform calls it once for each tracing."""
    recorded_calls.calls.append(sorted(inputs))
    return preprocessing_fn(inputs, custom_config)


def _sparse(tensor):
    return hasattr(tensor, "indices")


def run_fn(fn_args):
    """Writes its arguments to the folder for the model."""
    folder = pathlib.Path(fn_args.serving_model_dir)
    folder.mkdir(parents=True)
    given = {
        "custom_config": fn_args.custom_config,
        "train_steps": fn_args.train_steps,
        "train_files": fn_args.train_files,
        "eval_files": fn_args.eval_files,
        "schema_path": fn_args.schema_path,
        "transform_graph_path": fn_args.transform_graph_path,
        "model_run_dir": fn_args.model_run_dir,
    }
    (folder / "given.json").write_text(json.dumps(given))


def forgetful_run_fn(fn_args):
    """Saves no model."""


def failing_run_fn(fn_args):
    """Fails in the user's own code."""
    raise ZeroDivisionError("in the user's code")


def refusing_run_fn(fn_args):
    """Refuses the data."""
    from tfx_pipeline.errors import DataRefused, Finding

    raise DataRefused("too few rows", [Finding("train", "rows", "3")])


def _worker_number():
    import os

    return json.loads(os.environ["TF_CONFIG"])["task"]["index"]


def stuck_chief_run_fn(fn_args):
    """The chief waits for ever; the other worker is killed, as when memory is full."""
    import os
    import signal
    import threading

    if _worker_number() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait()


def late_failure_run_fn(fn_args):
    """The chief writes the model and ends; the other worker fails after it."""
    import os
    import time

    if _worker_number() == 0:
        run_fn(fn_args)
        return
    chief = pathlib.Path(os.environ["CHIEFS_MODEL"])
    while not chief.exists():
        time.sleep(0.05)
    time.sleep(2)
    raise ZeroDivisionError("too late to matter")


def placed_run_fn(fn_args):
    """Each worker writes where it was told to write its model, and the chief its task."""
    import os

    run_fn(fn_args)
    place = pathlib.Path(os.environ["PLACES"], f"worker-{_worker_number()}")
    place.write_text(json.dumps([fn_args.serving_model_dir, json.loads(os.environ["TF_CONFIG"])]))
