"""Which nodes may start now: the order of a pipeline's graph, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Schedule:
    """Hands out nodes when all their upstream nodes have ended well.

    Args:
      upstream: the upstream nodes of each node, in the order in which nodes
        that are ready at the same time should start.
      excluded: nodes that do not run; those after them do not wait for them.
    """

    def __init__(self, upstream: Mapping[str, Iterable[str]], excluded: Iterable[str] = ()):
        self._excluded = set(excluded)
        self._waiting = {
            node: set(before) - self._excluded
            for node, before in upstream.items()
            if node not in self._excluded
        }
        self._running: set[str] = set()
        self._blocked: set[str] = set()

    def ready(self) -> list[str]:
        """The nodes that can start now, in order."""
        return [
            node
            for node, before in self._waiting.items()
            if not before and node not in self._blocked
        ]

    def start(self, node: str) -> None:
        """Says that `node` has been started."""
        del self._waiting[node]
        self._running.add(node)

    def finish(self, node: str, ended_well: bool) -> None:
        """Says that `node` ended; when not well, all nodes after it are never handed out."""
        self._running.remove(node)
        if ended_well:
            for before in self._waiting.values():
                before.discard(node)
        else:
            self._block_after(node)

    def _block_after(self, node: str) -> None:
        for later, before in self._waiting.items():
            if node in before and later not in self._blocked:
                self._blocked.add(later)
                self._block_after(later)

    @property
    def running(self) -> frozenset[str]:
        return frozenset(self._running)

    @property
    def never_started(self) -> tuple[str, ...]:
        """The nodes that were not started, in order."""
        return tuple(self._waiting)
