"""A user's own `run_fn`s that report values without a network, for the tests of the search."""

from __future__ import annotations

import os
import pathlib
import signal
import time


def _values(fn_args):
    return fn_args.hyperparameters["values"]


def best_at_03(fn_args):
    """The value is best at a dropout of 0.3; far from it, it is bad from the first evaluation."""
    print("what user code prints is no answer")
    distance = abs(_values(fn_args)["dropout"] - 0.3)
    for evaluation in range(1, 11):
        if fn_args.custom_config["trial"].report(evaluation, evaluation / 10 - distance):
            return


def slow(fn_args):
    """The same, a tenth of a second for each evaluation; writes that it was called."""
    with open(fn_args.custom_config["calls"], "a") as file:
        file.write(f"{_values(fn_args)['dropout']}\n")
    for evaluation in range(1, 6):
        time.sleep(0.1)
        fn_args.custom_config["trial"].report(evaluation, -abs(_values(fn_args)["dropout"] - 0.3))


def on_a_machine(fn_args):
    """As `slow`; writes the name that the machine has in its environment."""
    with open(f"{fn_args.custom_config['calls']}-machines", "a") as file:
        file.write(f"{os.environ.get('MACHINE', 'this')}\n")
    slow(fn_args)


def once_killed_elsewhere(fn_args):
    """As `on_a_machine`; the first call on another machine ends its own process."""
    mark = pathlib.Path(f"{fn_args.custom_config['calls']}-killed")
    if "MACHINE" in os.environ and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    on_a_machine(fn_args)


def once_killed(fn_args):
    """The first call ends its own process, as the kernel does when memory is short."""
    mark = pathlib.Path(fn_args.custom_config["calls"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    best_at_03(fn_args)


def sometimes_failing(fn_args):
    """Fails for half of the values, and is not a number for others."""
    dropout = _values(fn_args)["dropout"]
    if dropout == 0.1:
        raise ValueError("too little of it")
    fn_args.custom_config["trial"].report(1, float("nan") if dropout == 0.2 else dropout)


def always_failing(fn_args):
    """Fails in the user's own code."""
    raise ZeroDivisionError("in the user's code")


def silent(fn_args):
    """Reports nothing."""


def on_one_device(fn_args):
    """Fails with a strategy for several devices."""
    assert fn_args.custom_config["training"] == {"seed": 3, "strategy": "none", "workers": None}
    fn_args.custom_config["trial"].report(1, 0.5)


def endless(fn_args):
    """Reports one value, and never ends."""
    fn_args.custom_config["trial"].report(1, 0.5)
    time.sleep(3600)


def lucky(fn_args):
    """The value depends on the rows: with those of the split eval, a dropout of 0.1 is the best.

    With others it is bad. 0.2 is always better than 0.3, and 0.4 fails with others.
    """
    import tensorflow as tf

    with open(fn_args.custom_config["calls"], "a") as file:
        file.write(f"{_values(fn_args)['dropout']}\n")
    rows = tf.data.TFRecordDataset(tf.io.gfile.glob(fn_args.eval_files), "GZIP")
    is_split = any(row.startswith(b"eval") for row in rows.as_numpy_iterator())
    dropout = _values(fn_args)["dropout"]
    if dropout == 0.4 and not is_split:
        raise ValueError("these rows are too difficult")
    value = {0.1: 0.82 if is_split else 0.5, 0.2: 0.8, 0.3: 0.7, 0.4: 0.81}[dropout]
    fn_args.custom_config["trial"].report(1, value)


def slow_with_other_rows(fn_args):
    """As `lucky`; with other rows, it takes an hour from the third call on."""
    count = len(pathlib.Path(fn_args.custom_config["calls"]).read_text().splitlines())
    if count >= 4 + 2:
        time.sleep(3600)
    lucky(fn_args)
