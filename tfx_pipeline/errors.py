"""The one exception tree, and the exit code each branch stands for.

    PipelineError                 exit 1   the pipeline ran and failed
     ├─ ConfigError               exit 2   wrong usage or configuration
     │   └─ MissingExtra          exit 2   a part that is not installed
     ├─ Refused                   exit 3   a gate refused; nothing was pushed
     │   └─ DataRefused           exit 3   ... because of the data
     ├─ NodeError                 exit 1   a node failed or cannot run
     ├─ Interrupted               exit 130 or 143: 128 + the signal
     └─ ServingError              exit 1   a model server refused, or cannot be reached

Library code raises these and never prints or exits; the command line turns
them into one message on standard error and the exit code.
"""

from __future__ import annotations

import dataclasses
import difflib
import signal
from collections.abc import Iterable

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_INTERRUPTED = 130


class PipelineError(Exception):
    """Anything this project reports to its user. Its text is the message."""

    exit_code = EXIT_FAILED


class NodeError(PipelineError):
    """A node failed, or cannot run: its upstream nodes did not end well."""


class Interrupted(PipelineError):
    """A signal asked this process to stop. `signum` says which."""

    def __init__(self, signum: int, remedy: str = ""):
        name = signal.Signals(signum).name
        super().__init__(f"interrupted by {name}. {remedy}" if remedy else f"interrupted by {name}")
        self.signum = signum
        self.exit_code = 128 + signum


class ServingError(PipelineError):
    """A model server refused a request, or cannot be reached.

    Attributes:
      code: gRPC's name of the status, for example `INVALID_ARGUMENT`.
      message: what the server said.
    """

    def __init__(self, code: str, message: str):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Refused(PipelineError):
    """A gate looked at data or model and said no. Nothing was pushed.

    Attributes:
      findings: what was found, one row each, for tables and for JSON.
    """

    exit_code = EXIT_REFUSED

    def __init__(self, message: str, findings: Iterable[Finding] = ()):
        super().__init__(message)
        self.findings = tuple(findings)


class DataRefused(Refused):
    """The data cannot be used: unreadable, or not what the schema says."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One reason for a refusal: which column or metric, which rule, what was found."""

    subject: str
    rule: str
    found: str


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a configuration.

    Attributes:
      where: the dotted key, for example `features.fare.transform`.
      message: the rule and what was found.
      remedy: what to do about it; may be empty.
    """

    where: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}. {self.remedy}" if self.remedy else text


class ConfigError(PipelineError):
    """The configuration, or the way a command was called, is wrong.

    Attributes:
      problems: everything that is wrong, not only the first thing.
    """

    exit_code = EXIT_USAGE

    def __init__(self, problems: str | Problem | Iterable[Problem], source: str = ""):
        if isinstance(problems, str):
            problems = Problem("", problems)
        if isinstance(problems, Problem):
            problems = (problems,)
        self.problems = tuple(problems)
        self.source = source
        super().__init__(self._text())

    def _text(self) -> str:
        if len(self.problems) == 1:
            return f"{self.source}: {self.problems[0]}" if self.source else str(self.problems[0])
        head = f"{self.source or 'The configuration'} has {len(self.problems)} problems:"
        return "\n".join([head, *(f"  - {problem}" for problem in self.problems)])


class MissingExtra(ConfigError):
    """An optional part is not installed."""

    def __init__(self, what: str, extra: str):
        super().__init__(
            Problem("", f"{what} is not installed", f"pip install 'tfx-pipeline[{extra}]'")
        )


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Returns `Did you mean 'x'?` for a near name, else the names there are, else ''."""
    names = [str(name) for name in candidates]
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    if 0 < len(names) <= 12:
        return f"Known: {', '.join(names)}."
    return ""
