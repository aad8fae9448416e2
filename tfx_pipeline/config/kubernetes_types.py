"""Kubernetes' quantities, durations and names, as the configuration may say them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

_CPU = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>m?)")
_MEMORY = re.compile(r"(?P<number>\d+)(?P<unit>[KMGTPE]i|[MGTPE]?)")
_DURATION = re.compile(r"(?P<number>\d+)(?P<unit>[smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNITS = {"": 1, "m": 0.001} | {
    unit: 1000**power for power, unit in enumerate("KMGTPE", start=1) if unit != "K"
}
_UNITS |= {f"{unit}i": 1024**power for power, unit in enumerate("KMGTPE", start=1)}

_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")
_PATH = re.compile(r"(/[^/:\s]+)+/?")
_IMAGE = re.compile(
    r"""((localhost|(?=[^/]*[.:])[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:\d+)?/)?  # registry
        [a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*                        # repository
        (?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*
        (?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?                      # tag
        (?:@sha256:[0-9a-f]{64})?                                    # digest
    """,
    re.VERBOSE,
)


def amount(quantity: str) -> float:
    """A quantity as a number, to compare two of one kind."""
    number = re.match(r"[\d.]+", quantity).group()
    return float(number) * _UNITS[quantity[len(number) :]]


def seconds(duration: str) -> int:
    """A duration such as `90s`, `10m`, `2h` or `1d` in seconds."""
    match = _DURATION.fullmatch(duration)
    return int(match["number"]) * _SECONDS[match["unit"]]


def is_image(text: str) -> bool:
    """Whether `text` names a container image, as `registry/repository:tag` or `…@sha256:…`."""
    return len(text) <= 512 and bool(_IMAGE.fullmatch(text))


def _checked(pattern: re.Pattern[str], rule: str):
    """A type for texts that are all of `pattern`; whole numbers are taken as text."""

    def check(value: Any) -> str:
        text = str(value) if isinstance(value, (int, float)) else value
        if isinstance(value, bool) or not isinstance(text, str) or not pattern.fullmatch(text):
            raise ValueError(f"{rule}, found {value!r}")
        return text

    return Annotated[str, BeforeValidator(check)]


Cpu = _checked(_CPU, "must be a number of cores such as 2, 0.5 or 500m")
Memory = _checked(_MEMORY, "must be a whole number of bytes with a unit, such as 512Mi or 4Gi")
Duration = _checked(_DURATION, "must be a duration such as 30s, 10m, 2h or 1d")
KubernetesName = _checked(
    _NAME, "must be lower-case letters, digits, '-' and '.', as Kubernetes names things"
)
VolumeName = _checked(
    re.compile(rf"{_LABEL}"), "must be lower-case letters, digits and '-', without '.'"
)
Variable = _checked(_VARIABLE, "must be the name of an environment variable")
SecretKey = _checked(_SECRET_KEY, "must be a key of the secret: letters, digits, '-', '_' and '.'")
MountPath = _checked(_PATH, "must be an absolute path without ':', such as /data")
Image = _checked(_IMAGE, "must be an image such as registry.example/team/pipeline:1.0")
