"""The one exception tree, and the exit code of each branch.

    PipelineError                 exit 1   the pipeline ran and failed
     ├─ ConfigError               exit 2   wrong usage or configuration
     │   └─ MissingExtra          exit 2   a part that is not installed
     ├─ Refused                   exit 3   a gate refused; nothing was pushed
     │   └─ DataRefused           exit 3   ... because of the data
     ├─ NodeError                 exit 1   a node failed or cannot run
     ├─ Interrupted               exit 130 or 143: 128 + the signal
     └─ ServingError              exit 1   a model server refused a request or is unreachable

Library code raises these and never prints or exits; the command line turns
them into one message on standard error and the exit code.
"""

from __future__ import annotations

import dataclasses
import difflib
import signal
from collections.abc import Iterable, Sequence

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
    """A signal, `signum`, interrupted this process."""

    def __init__(self, signum: int, remedy: str = "") -> None:
        name = signal.Signals(signum).name
        super().__init__(f"interrupted by {name}. {remedy}" if remedy else f"interrupted by {name}")
        self.signum = signum
        self.exit_code = 128 + signum


class ServingError(PipelineError):
    """A model server refused a request, or cannot be reached.

    Attributes:
      code: gRPC's name of the status, for example `INVALID_ARGUMENT`.
      message: the server's message.
    """

    def __init__(self, code: str, message: str):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Refused(PipelineError):
    """A gate refused the data or the model. Nothing was pushed.

    Attributes:
      findings: the reasons, one row each, for tables and for JSON.
    """

    exit_code = EXIT_REFUSED

    def __init__(self, message: str, findings: Iterable[Finding] = ()):
        super().__init__(message)
        self.findings = tuple(findings)


class DataRefused(Refused):
    """The data cannot be used: it is unreadable, or does not match the schema."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One reason for a refusal: the column or metric, the rule, and what was found."""

    subject: str
    rule: str
    found: str


@dataclasses.dataclass(frozen=True)
class Problem:
    """One problem of a configuration.

    Attributes:
      where: the dotted key, for example `features.fare.transform`.
      message: the rule and what was found.
      remedy: how to fix it; may be empty.
    """

    where: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}. {self.remedy}" if self.remedy else text


class ConfigError(PipelineError):
    """The configuration or the usage of a command is wrong.

    Attributes:
      problems: all problems, not only the first.
      source: the file they are in; may be empty.
    """

    exit_code = EXIT_USAGE

    def __init__(self, problems: str | Problem | Iterable[Problem], source: str = ""):
        if isinstance(problems, str):
            problems = Problem("", problems)
        if isinstance(problems, Problem):
            problems = (problems,)
        self.problems = tuple(problems)
        self.source = source
        if len(self.problems) == 1:
            text = f"{source}: {self.problems[0]}" if source else str(self.problems[0])
        else:
            head = f"{source or 'The configuration'} has {len(self.problems)} problems:"
            text = "\n".join([head, *(f"  - {problem}" for problem in self.problems)])
        super().__init__(text)


class MissingExtra(ConfigError):
    """An optional part is not installed."""

    def __init__(self, what: str, extra: str):
        super().__init__(
            Problem("", f"{what} is not installed", f"pip install 'tfx-pipeline[{extra}]'")
        )


def shown_name(name: str) -> str:
    """Returns a name as tables and lists show it: in quotes if one cannot see what it is.

    That is a name with blanks at an end, or with invisible characters.
    """
    return name if name == name.strip() and name.isprintable() else repr(name)


def first_of(items: Sequence[str], most: int) -> str:
    """Returns the first items of a list and how many more there are: `a, b and 3 more`."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return f"{', '.join(items[:most])}{more}"


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Returns `Did you mean 'x'?` for a similar name, or up to 12 known names, or ''."""
    names = [str(name) for name in candidates]
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    if 0 < len(names) <= 12:
        return f"Known: {', '.join(names)}."
    return ""
