"""Decides which nodes may start, from the pipeline's graph alone."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping


class Schedule:
    """Releases each node when all its upstream nodes have succeeded.

    Args:
      upstream: the upstream nodes of each node. Nodes that are ready at the same time
        are returned in the order of this mapping.
      excluded: nodes that do not run; the nodes after them do not wait for them.
    """

    def __init__(self, upstream: Mapping[str, Iterable[str]], excluded: Iterable[str] = ()) -> None:
        left_out = set(excluded)
        graph = {
            node: [before for before in nodes if before not in left_out]
            for node, nodes in upstream.items()
            if node not in left_out
        }
        self._sorter = graphlib.TopologicalSorter(graph)
        self._sorter.prepare()
        self._released = set(self._sorter.get_ready())
        self._waiting = dict.fromkeys(graph)
        self._running: set[str] = set()

    def ready(self) -> list[str]:
        """The nodes that can start now, in order."""
        return [node for node in self._waiting if node in self._released]

    def start(self, node: str) -> None:
        """Records that `node` has been started."""
        del self._waiting[node]
        self._running.add(node)

    def finish(self, node: str, ended_well: bool) -> None:
        """Records that `node` has ended. If it failed, no node after it becomes ready."""
        self._running.remove(node)
        if ended_well:
            self._sorter.done(node)
            self._released.update(self._sorter.get_ready())

    @property
    def running(self) -> frozenset[str]:
        """The nodes that have been started and have not ended."""
        return frozenset(self._running)

    @property
    def never_started(self) -> tuple[str, ...]:
        """The nodes that were not started, in order."""
        return tuple(self._waiting)
