"""What a patch is: one change of another library's inside, which can be switched off.

`TFX_PIPELINE_PLAIN=1` applies none; `TFX_PIPELINE_PLAIN=dill.trace,tft.traces` leaves the
named ones out. A patch is also left out where the installed library is of a version
that it was not measured on, or its target looks different. The pipeline then runs
slower and gives the same results.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import inspect
import os
from collections.abc import Iterable, Iterator
from typing import Any
from unittest import mock

from tfx_pipeline.compat.lines import minor_version
from tfx_pipeline.config import environment


@dataclasses.dataclass(frozen=True)
class Patch:
    """One change of another library's inside.

    Attributes:
      name: for `TFX_PIPELINE_PLAIN` and the benchmark.
      target: what is changed, `module:attribute`.
      library: the distribution that the target belongs to.
      versions: its versions, `major.minor`, that the patch was measured on.
      why: what the library does without the patch.
      test: below tests/compat; it fails when the patch changes a result or is not needed.
      saves: CPU seconds in a run over 15,002 rows, with all other patches (see
        benchmarks/PATCHES.md); None for a patch that is not there to save time in such a run.
      expects: the names of the target's parameters, or its type; None takes any.
      replacement: `module:function` of this package, which makes the new value from the
        present one; None for a patch that its owner carries out when it `fits`.
    """

    name: str
    target: str
    library: str
    versions: tuple[str, ...]
    why: str
    test: str
    saves: float | None = None
    expects: tuple[str, ...] | type | None = None
    replacement: str | None = None

    def fits(self) -> bool:
        """Whether to apply it: wanted, on a known version, and the target as expected."""
        if _is_switched_off(self.name) or not self.is_for_installed():
            return False
        try:
            owner, name = self.owner()
            target = getattr(owner, name)
        except (ImportError, AttributeError):
            return False
        if isinstance(self.expects, type):
            return isinstance(target, self.expects)
        return self.expects is None or _parameters(target) == self.expects

    def is_for_installed(self) -> bool:
        """Whether it was measured on the version of the library that is installed."""
        return minor_version(self.library) in self.versions

    def owner(self) -> tuple[Any, str]:
        """The object that holds the target, and the target's name there.

        Raises:
          ImportError, AttributeError: this version of the library has no such thing.
        """
        module, _, path = self.target.partition(":")
        *above, name = path.split(".")
        return functools.reduce(getattr, above, importlib.import_module(module)), name

    def new_value(self, present: Any) -> Any:
        """What the target becomes."""
        module, _, function = (self.replacement or "").partition(":")
        make = getattr(importlib.import_module(f"tfx_pipeline.compat.{module}"), function)
        return make(present)


@contextlib.contextmanager
def applied(patches: Iterable[Patch]) -> Iterator[None]:
    """Applies those patches that fit; afterwards everything is as it was before."""
    with contextlib.ExitStack() as stack:
        for patch in patches:
            if patch.fits():
                owner, name = patch.owner()
                new = patch.new_value(getattr(owner, name))
                stack.enter_context(mock.patch.object(owner, name, new))
        yield


def _is_switched_off(name: str) -> bool:
    switch = os.environ.get(environment.PLAIN, "0")
    return switch == "1" or name in [part.strip() for part in switch.split(",")]


def _parameters(function: Any) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()
