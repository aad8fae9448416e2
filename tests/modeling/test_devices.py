"""A training on several devices, and in several processes, is that on one device."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.modeling import harness
from tfx_pipeline.components.trainer.local_worker import free_ports
from tfx_pipeline.config.training import Training
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.modeling import dataset, devices, network, tf_config, trainer, training

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

MODEL = {"hidden_units": [32], "ensemble": 2, "dropout": 0.0, "l2": 0.0001}
"""Without dropout, whose random numbers depend on the device."""
TRAINING = {
    **harness.SHORT,
    "averaging": 0.9,  # of few evaluations, most of them
    "class_weights": "balanced",
    "early_stopping": {"patience": 1},
}


@pytest.fixture(scope="module")
def weighted(tmp_path_factory, taxi, taxi_rows):
    """The bundled example with weights of the rows."""
    rng = np.random.default_rng(3)
    rows = [{**row, "w": float(rng.integers(0, 4))} for row in taxi_rows]
    label = {**taxi.config["label"], "weight": "w"}
    splits = {"train": rows[:600], "eval": rows[600:]}
    schema = harness.TAXI_SCHEMA + 'feature { name: "w" type: FLOAT }'
    folder = tmp_path_factory.mktemp("weighted")
    return harness.transform(folder, {**taxi.config, "label": label}, schema, splits)


def start(folder, transformed, cpus=1, place=None, **settings):
    """Starts a training in a process of its own."""
    folder.mkdir()
    texts = [json.dumps(v) for v in (dataclasses.asdict(transformed), MODEL, settings)]
    command = [sys.executable, "-m", "tests.modeling.train_on_devices", str(cpus), str(folder)]
    variables = {"TF_CONFIG": place} if place else {}
    return subprocess.Popen(
        [*command, *texts],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def trained(folder, process):
    """The folder of the model."""
    _, log = process.communicate()
    assert process.returncode == 0, log
    return str(folder / "Format-Serving")


@pytest.fixture(scope="module")
def one_device(tmp_path_factory, weighted):
    folder = tmp_path_factory.mktemp("none") / "one"
    return trained(folder, start(folder, weighted, **TRAINING))


def assert_same(model, other, rows):
    """The same names in the graph, and the same values but for the order of sums."""
    one, two = (tf.train.load_checkpoint(f"{f}/variables/variables") for f in (model, other))
    names = one.get_variable_to_shape_map()
    assert names == two.get_variable_to_shape_map()
    for name in sorted(names):
        values = [np.asarray(each.get_tensor(name)) for each in (one, two)]
        if np.issubdtype(values[0].dtype, np.floating):
            np.testing.assert_allclose(*values, rtol=0.01, atol=0.002, err_msg=name)
    servers = [harness.Server(folder) for folder in (model, other)]
    graphs = [{(n.op, n.name) for n in s.session.graph.as_graph_def().node} for s in servers]
    assert graphs[0] == graphs[1]
    examples = [harness.example(row) for row in rows]
    first, second = (s.call("serving_default", examples=examples) for s in servers)
    assert np.ptp(first["probabilities"][:, 1]) > 0.3
    np.testing.assert_allclose(first["probabilities"], second["probabilities"], atol=0.005)


def test_all_devices_of_a_machine(tmp_path, weighted, one_device, taxi_rows):
    folder = tmp_path / "mirrored"
    process = start(folder, weighted, cpus=2, strategy="mirrored", **TRAINING)
    assert_same(one_device, trained(folder, process), taxi_rows[600:])


def test_two_processes(tmp_path, weighted, one_device, taxi_rows):
    addresses = [f"localhost:{port}" for port in free_ports(2)]
    folders = [tmp_path / name for name in ("chief", "other")]
    settings = {"strategy": "multi_worker", **TRAINING}
    processes = [
        start(folder, weighted, place=tf_config.write(addresses, number), **settings)
        for number, folder in enumerate(folders)
    ]
    models = [trained(*pair) for pair in zip(folders, processes, strict=True)]
    for model in models:
        assert_same(one_device, model, taxi_rows[600:])


def test_a_batch_with_fewer_rows_than_devices_is_refused(tmp_path, weighted):
    settings = {**TRAINING, "strategy": "mirrored", "batch_size": 1}
    process = start(tmp_path / "small", weighted, cpus=2, **settings)
    _, log = process.communicate()
    message = "training.batch_size: 1 rows cannot be divided among 2 devices"
    assert process.returncode == 1
    assert message in log.splitlines()[-1]


def test_a_network_built_outside_of_the_scope_is_refused(tmp_path, taxi):
    """An older run_fn of a user would train on one device, and say nothing."""

    def run_fn(fn_args):
        setup = training.read_setup(fn_args)
        model = network.build_model(setup)
        rows = training.read_rows(fn_args, setup, model)
        training.compile_model(model, setup)
        training.fit(model, setup, rows, [])

    message = re.escape("write: with setup.scope(): model = build_model(setup)")
    with pytest.raises(ConfigError, match=message):
        harness.train(taxi, tmp_path, run_fn=run_fn, strategy="mirrored", **harness.SHORT)


def test_workers_cannot_be_connected_after_tensorflow_was_used(tmp_path, taxi, monkeypatch):
    tf.constant(1)
    addresses = [f"localhost:{port}" for port in free_ports(2)]
    monkeypatch.setenv("TF_CONFIG", tf_config.write(addresses, 0))
    with pytest.raises(ConfigError, match="TensorFlow was used in this process before"):
        harness.train(taxi, tmp_path, strategy="multi_worker", **harness.SHORT)


def test_a_users_own_compile_is_trained_on_the_devices(tmp_path, taxi):
    """Keras evaluates such a model itself, with the metrics that it was compiled with."""
    import tf_keras

    found = []

    def run_fn(fn_args):
        setup = training.read_setup(fn_args)
        with setup.scope():
            model = network.build_model(setup)
            loss = tf_keras.losses.BinaryCrossentropy(from_logits=True)
            model.compile(tf_keras.optimizers.Adam(0.01), loss, metrics=["mae"])
        rows = training.read_rows(fn_args, setup, model)
        found.append(training.fit(model, setup, rows, []).history)

    settings = {**harness.SHORT, "strategy": "mirrored"}
    harness.train(taxi, tmp_path, {"ensemble": 1}, run_fn=run_fn, **settings)
    assert {"loss", "mae", "val_mae", "val_auc"} <= set(found[0])
    assert found[0]["loss"][-1] < found[0]["loss"][0]


def test_one_device_needs_no_strategy():
    found = devices.prepare(Training())
    assert (found.strategy, found.replicas, found.of_chief([1.5, 2])) == (None, 1, [1.5, 2.0])


def split(taxi, in_memory, monkeypatch):
    if not in_memory:
        monkeypatch.setattr(dataset, "MAX_BYTES_IN_MEMORY", 0)
    return dataset.read_split([taxi.files["train"]], taxi.output, ["fare"], "big_tipper")


def fares(rows, batches):
    return [columns["fare"].numpy().ravel().tolist() for columns, _ in rows.take(batches)]


def test_parts_of_a_split_in_memory_are_together_the_batches_of_one(taxi, monkeypatch):
    rows = split(taxi, True, monkeypatch)
    whole = fares(rows.training(60, 5), 25)
    parts = [np.reshape(fares(rows.training(60, 5, 3, number), 9), [-1, 20]) for number in range(3)]
    assert [np.concatenate(step).tolist() for step in zip(*parts, strict=True)][:25] == whole


def test_each_row_of_a_split_in_files_is_of_one_worker(taxi, monkeypatch):
    rows = split(taxi, False, monkeypatch)
    assert rows.rows is None
    parts = [np.ravel(fares(rows.training(60, 5, 3, number), 10)) for number in range(3)]
    one_pass = np.concatenate([part[:200] for part in parts])
    whole = np.ravel(fares(rows.training(60, 5), 10))
    assert len(one_pass) == len(whole) == 600
    np.testing.assert_array_equal(np.sort(one_pass), np.sort(whole))


def test_the_default_run_fn_builds_in_the_scope(tmp_path, taxi):
    """A single CPU is a device, too."""
    settings = {**harness.SHORT, "strategy": "mirrored"}
    assert os.path.exists(harness.train(taxi, tmp_path, run_fn=trainer.run_fn, **settings))
