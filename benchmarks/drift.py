"""How often the gate `drift` is wrong on samples of the same rows.

Each resample of the taxi table, of 200 to 100,000 rows, is compared with the one before. With
`--bare` no limit is applied: only the noise decides.
"""

from __future__ import annotations

import time

import click
import numpy as np


@click.command("drift")
@click.option("--resamples", default=1000, show_default=True)
@click.option("--most", default=100_000, show_default=True, help="The largest number of rows.")
@click.option("--seed", default=1, show_default=True)
@click.option("--bare", is_flag=True, help="Apply no limit to effects.")
def command(resamples: int, most: int, seed: int, bare: bool) -> None:
    """Count false alarms of the drift gate on samples of equal data."""
    from tests.components.data_gate.taxi_statistics import LABEL, resampled, statistics
    from tfx_pipeline.components.data_gate.comparison import CHANGED, Limits, compare

    limits = Limits(threshold=0.0, share=0.0) if bare else Limits()
    sizes = np.exp(np.random.default_rng(seed).uniform(np.log(200), np.log(most), resamples + 1))
    before = statistics(resampled(int(sizes[0]), seed * 1_000_000))
    alarms, start = 0, time.monotonic()
    for number, size in enumerate(sizes[1:], 1):
        after = statistics(resampled(int(size), seed * 1_000_000 + number))
        found = [c for c in compare(before, after, limits, LABEL) if c.state == CHANGED]
        alarms += bool(found)
        for check in found:
            click.echo(f"{before.num_examples:,} and {after.num_examples:,} rows: {check}")
        before = after
        if number % 50 == 0 or number == resamples:
            seconds = time.monotonic() - start
            click.echo(f"{number} comparisons, {alarms} with an alarm, {seconds:.0f} s")
