"""Reads ahead: the next items are made in a thread while the caller uses one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


class _End:
    """Marks the end of the items."""


def read_ahead(items: Iterable[Item], count: int = 2) -> Iterator[Item]:
    """Yields the same items; up to `count` are made before the caller needs them.

    Useful where making an item releases Python's lock, as Arrow does. The thread
    ends with the iterator, also when the caller does not read to the end.

    Raises:
      Whatever making an item raises, in its place.
    """
    iterator = iter(items)

    def make() -> Item | _End:
        return next(iterator, _End())

    with ThreadPoolExecutor(1, "read-ahead") as thread:
        pending = deque(thread.submit(make) for _ in range(count))
        while not isinstance(item := pending.popleft().result(), _End):
            pending.append(thread.submit(make))
            yield item
