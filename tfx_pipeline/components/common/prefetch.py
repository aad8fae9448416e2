"""Reads ahead: the next items are made in a thread while the caller uses one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


def read_ahead(items: Iterable[Item], count: int = 2) -> Iterator[Item]:
    """The same items; up to `count` are made before they are asked for.

    Worth it where making them lets go of Python's lock, as Arrow does. The thread
    ends with the iterator, also when that is left early.

    Raises:
      Whatever making an item raises, in its place.
    """
    iterator = iter(items)
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        pending = deque(thread.submit(next, iterator, _END) for _ in range(count))
        while (item := pending.popleft().result()) is not _END:
            pending.append(thread.submit(next, iterator, _END))
            yield item
