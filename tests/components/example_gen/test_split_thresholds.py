"""Thresholds that divide values by shares with bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from tfx_pipeline.components.example_gen.split_thresholds import Counts, merged, parts


def divided(blocks, shares, most=1 << 16):
    counts = Counts(most)
    for block in blocks:
        counts.add(block)
    thresholds = counts.thresholds(shares)
    found = parts(np.concatenate(blocks), thresholds)
    return counts, np.bincount(found, minlength=len(shares))


@pytest.mark.parametrize("values", [range(10), range(3), [1, 1, 1, 2, 3, 3], [5] * 9 + [6, 7]])
def test_every_part_gets_a_value(values):
    _, sizes = divided([np.array(values)], [6, 2, 2])
    assert sizes.sum() == len(values)
    assert all(sizes)


def test_ten_values():
    assert divided([np.arange(10)], [6, 2, 2])[1].tolist() == [6, 2, 2]


def test_fewer_values_than_parts():
    assert divided([np.array([4, 4, 4])], [6, 2, 2])[1].tolist() == [3, 0, 0]
    assert divided([np.array([4, 5])], [6, 2, 2])[1].sum() == 2


@pytest.mark.parametrize("order", ["random", "ascending", "descending"])
def test_many_values_are_divided_within_a_thousandth(order):
    values = np.random.default_rng(1).normal(size=1_000_000)
    values = values if order == "random" else np.sort(values)
    values = values[::-1] if order == "descending" else values
    counts, sizes = divided(np.array_split(values, 120), [6, 2, 2])
    assert len(counts.values) <= 1 << 16
    assert np.allclose(sizes / len(values), [0.6, 0.2, 0.2], atol=0.001)


def test_counts_of_several_workers():
    values = np.random.default_rng(2).integers(0, 5000, 20_000)
    several = [Counts() for _ in range(3)]
    for counts, block in zip(several, np.array_split(values, 3), strict=True):
        counts.add(block)
    together = Counts()
    together.add(values)
    assert merged(several).thresholds([1, 1]) == together.thresholds([1, 1])
    assert merged([]).thresholds([1, 1]) == [None]
