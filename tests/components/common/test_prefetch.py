"""Reading ahead changes when items are made, and nothing else."""

from __future__ import annotations

import threading

import pytest

from tfx_pipeline.components.common.prefetch import read_ahead

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("size", [0, 1, 2, 100])
def test_items_come_in_their_order(count, size):
    assert list(read_ahead(range(size), count)) == list(range(size))


def test_no_more_are_made_than_were_asked_for():
    made = []
    items = read_ahead((made.append(i) or i for i in range(100)), 3)
    for _ in range(10):
        next(items)
    items.close()
    assert 10 <= len(made) <= 10 + 3


def test_an_error_comes_in_its_place():
    def items():
        yield 1
        yield 2
        raise ValueError("the third")

    ahead = read_ahead(items(), 5)
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(ahead)


def test_items_are_made_in_another_thread_which_ends_when_they_are_left():
    threads = set()
    items = read_ahead(threads.add(threading.current_thread()) or i for i in range(9))
    next(items)
    assert threading.current_thread() not in threads
    items.close()
    assert not any(thread.is_alive() for thread in threads)


def test_a_generator_that_is_left_is_closed():
    closed = []

    def items():
        try:
            yield from range(100)
        finally:
            closed.append(True)

    items = read_ahead(items())
    next(items)
    items.close()
    del items
    assert closed == [True]
