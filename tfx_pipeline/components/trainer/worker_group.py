"""The workers of one training: started together, and ended together when one of them fails."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from tfx_pipeline.components.trainer.worker import LOST, Outcome
from tfx_pipeline.errors import NodeError

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 20.0
"""How long a worker may take to end after the chief has finished."""


class Worker(Protocol):
    """A process that trains, here or elsewhere."""

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""

    def outcome(self) -> Outcome | None:
        """Why it failed, if it could say."""

    def stop(self) -> None:
        """Ends it and waits for its end."""


def run(starts: Iterable[Callable[[], Worker]]) -> None:
    """Starts workers and waits until all have trained. Whatever happens, none is left running.

    Args:
      starts: each starts a worker; the chief first.

    Raises:
      Refused, ConfigError: what a worker raised.
      NodeError: a worker failed in another way, or was killed.
    """
    workers: list[Worker] = []
    try:
        for start in starts:
            workers.append(start())
        _wait(workers)
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.stop()


def _wait(workers: Sequence[Worker]) -> None:
    finished = None
    while True:
        codes = [worker.poll() for worker in workers]
        if codes[0] == 0:  # The model is complete. The others have nothing more to give.
            finished = finished or time.monotonic()
            if None not in codes or time.monotonic() - finished > _GRACE_SECONDS:
                return
        elif failed := [number for number, code in enumerate(codes) if code]:
            raise _error(workers, codes, failed)
        time.sleep(_POLL_SECONDS)


def _error(
    workers: Sequence[Worker], codes: Sequence[int | None], failed: Sequence[int]
) -> Exception:
    """The error of the worker that failed first, not of those that lost it."""
    outcomes = {number: workers[number].outcome() for number in failed}

    def follows(number: int) -> bool:
        outcome = outcomes[number]
        return outcome is not None and outcome.kind == LOST

    number = min(failed, key=follows)
    outcome = outcomes[number]
    if outcome is not None and (error := outcome.error):
        return error
    name = f"worker {number} of {len(workers)}" if number else "the chief"
    if outcome is None:
        return NodeError(f"the training ended because {name} {_end(codes[number] or 0)}")
    what = "lost the connection to another worker" if outcome.kind == LOST else "failed"
    return NodeError(f"the training ended because {name} {what}: {outcome.message}")


def _end(code: int) -> str:
    if code >= 0:
        return f"ended with the exit code {code}. See the log above"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"the signal {-code}"
    hint = ". Perhaps the memory was full: give it more, or set fewer workers"
    return f"was killed by {name}{hint if -code == signal.SIGKILL else ''}"
