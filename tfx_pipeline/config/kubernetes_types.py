"""Kubernetes' quantities, names and images, as a configuration may write them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]*)")
_CPU = re.compile(r"\d+(\.\d{1,3})?|\d+m")  # Kubernetes knows no part finer than 1m
_MEMORY = re.compile(r"\d+([KMGTPE]i|[MGTPE]?)")
_UNITS: dict[str, float] = {"": 1, "m": 0.001}
_UNITS |= {unit: 1000.0**power for power, unit in enumerate("MGTPE", start=2)}
_UNITS |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", start=1)}

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
    """A quantity of CPU (in cores) or memory (in bytes) as a number.

    Raises:
      ValueError: it is neither.
    """
    match = _QUANTITY.fullmatch(quantity)
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"must be a number with a Kubernetes unit, found {quantity!r}")
    return float(match[1]) * _UNITS[match[2]]


def is_cpu(text: str) -> bool:
    """Whether `text` is a number of cores such as `2`, `0.5` or `500m`."""
    return bool(_CPU.fullmatch(text))


def is_memory(text: str) -> bool:
    """Whether `text` is a number of bytes such as `512Mi` or `4Gi`."""
    return bool(_MEMORY.fullmatch(text))


def is_label(text: str) -> bool:
    """Whether Kubernetes accepts `text` as the name of a service or a namespace."""
    return len(text) <= 63 and bool(re.fullmatch(_LABEL, text))


def is_image(text: str) -> bool:
    """Whether `text` names a container image, as `registry/repository:tag` or `…@sha256:…`."""
    return len(text) <= 512 and bool(_IMAGE.fullmatch(text))


def is_pinned_image(text: str) -> bool:
    """Whether `text` names an image by a digest, or by a tag other than `latest`."""
    _, _, tag = text.rpartition("/")[2].partition(":")
    return is_image(text) and tag not in ("", "latest")


def _matching(pattern: re.Pattern[str], rule: str, written: Any = str) -> BeforeValidator:
    """Accepts texts that match `pattern` as a whole; numbers are taken as text.

    Args:
      pattern: what the text must match.
      rule: the rule, for the error message.
      written: the type that the JSON Schema gives to editors.
    """

    def check(value: Any) -> str:
        text = str(value) if isinstance(value, (int, float)) else value
        if isinstance(value, bool) or not isinstance(text, str) or not pattern.fullmatch(text):
            raise ValueError(f"{rule}, found {value!r}")
        return text

    return BeforeValidator(check, json_schema_input_type=written)


Cpu = Annotated[
    str, _matching(_CPU, "must be a number of cores such as 2, 0.5 or 500m", str | float)
]
Memory = Annotated[
    str,
    _matching(
        _MEMORY, "must be a whole number of bytes with a unit, such as 512Mi or 4Gi", str | int
    ),
]
KubernetesName = Annotated[
    str, _matching(_NAME, "must be lower-case letters, digits, '-' and '.', as in Kubernetes")
]
VolumeName = Annotated[
    str, _matching(re.compile(_LABEL), "must be lower-case letters, digits and '-', without '.'")
]
Variable = Annotated[str, _matching(_VARIABLE, "must be the name of an environment variable")]
SecretKey = Annotated[
    str, _matching(_SECRET_KEY, "must be a key of the secret: letters, digits, '-', '_' and '.'")
]
MountPath = Annotated[str, _matching(_PATH, "must be an absolute path without ':', such as /data")]
Image = Annotated[
    str, _matching(_IMAGE, "must be an image such as registry.example/team/pipeline:1.0")
]
