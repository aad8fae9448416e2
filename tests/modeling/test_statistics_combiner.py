"""The one-pass analyzer, by batches and merges."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow

NAN = float("nan")


@pytest.fixture(scope="module")
def combine():
    from tfx_pipeline.modeling import statistics_combiner

    def run(wanted, *workers):
        combiner = statistics_combiner.StatisticsCombiner(wanted)
        accumulators = []
        for batches in workers:
            accumulator = combiner.create_accumulator()
            for batch in batches:
                accumulator = combiner.add_input(accumulator, (np.array(batch, float),))
            accumulators.append(accumulator)
        output = combiner.extract_output(combiner.merge_accumulators(accumulators))
        assert len(output) == statistics_combiner.output_size(wanted)
        return output

    return run


def test_moments_ignore_missing_values(combine):
    output = combine(((False, ()),), [[[1.0], [NAN]], [[3.0]]], [[[5.0], [NAN]]])
    assert output.tolist() == pytest.approx([3, np.std([1, 3, 5]), 1, 5, 0])


def test_a_column_without_values_gives_zeros(combine):
    assert combine(((True, (2, 4)),), [[[NAN]]], []).tolist() == [0] * 9


def test_large_values_keep_their_digits(combine):
    times = 1.4e9 + np.arange(1000.0)
    output = combine(((False, ()),), [times[:500, None]], [times[500:, None]])
    assert output[:2] == pytest.approx([times.mean(), times.std()], rel=1e-12)


def test_the_smallest_of_equally_frequent_values_is_the_mode(combine):
    assert combine(((True, ()),), [[[4.0], [2.0]]], [[[2.0], [4.0], [9.0]]])[4] == 2


def test_quantiles(combine):
    values = np.arange(1.0, 10001.0)[:, None]
    output = combine(((False, (2, 4)),), [values[::2]], [values[1::2]])
    assert output[5:] == pytest.approx([5000, 2500, 5000, 7500], rel=0.005)


@pytest.mark.parametrize("value", [np.log1p(5.0), 0.1, -1 / 3, 1e30, 0.0])
def test_a_constant_has_no_deviation(combine, value):
    column = np.full([1001, 1], value)
    output = combine(((False, ()),), [column[:7], column[7:500]], [column[500:]])
    assert output.tolist() == [value, 0, value, value, 0]


def test_a_difference_in_the_last_digit_is_rounding(combine):
    value = np.log1p(5.0)
    output = combine(((False, ()),), [[[value], [np.nextafter(value, 2)]]])
    assert output[1] == 0


def test_small_differences_of_large_values_count(combine):
    output = combine(((False, ()),), [[[1.7e9], [1.7e9 + 1e-3]]])
    assert output[1] == pytest.approx(5e-4, rel=1e-3)
