"""What all pages share: the environment of their templates, and how numbers and times look."""

from __future__ import annotations

import functools
import importlib.resources
import math
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import jinja2

from tfx_pipeline.errors import first_of
from tfx_pipeline.report import charts, features

_MOST_REASONS = 3
_DIGITS = 4
_SPACES: dict[str, Any] = {"trim_blocks": True, "lstrip_blocks": True}
"""What a compiled template depends on, beside its text."""


def text(name: str, package: str = __package__) -> str:
    """A file of `templates/` in a package."""
    return (importlib.resources.files(package) / "templates" / name).read_text("utf-8")


@functools.cache
def environment(*packages: str) -> jinja2.Environment:
    """Templates and filters of the report; templates of `packages` come first."""
    folders = [*packages, __package__]
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name) for name in folders]),
        autoescape=True,  # names and values of the data are shown, never read as HTML
        undefined=jinja2.StrictUndefined,
        bytecode_cache=_bytecode_cache(),
        **_SPACES,
    )
    filters: dict[str, Callable[..., Any]] = {
        "number": number,
        "distinct": distinct,
        "metric": metric,
        "signed": signed,
        "percent": features.percent,
        "seconds": seconds,
        "moment": moment,
        "shortened": shortened,
        "parts": parts,
    }
    made.filters.update(filters)
    made.globals["charts"] = charts
    made.globals["shares"] = features.shares
    made.globals["line"] = charts.Line
    return made


def _bytecode_cache() -> jinja2.BytecodeCache | None:
    """Compiled templates in Jinja's folder for them: compiling takes longer than all the rest.

    None if this user can have no such folder.
    """
    # A template is compiled anew when its text changes, and these options are in the files' names.
    options = zlib.crc32(repr(_SPACES).encode())
    try:
        return jinja2.FileSystemBytecodeCache(pattern=f"tfx-pipeline-{options}-%s.cache")
    except (OSError, RuntimeError):
        return None


def number(value: float | None) -> str:
    """A number of the data: at most five digits; a dash if there is none."""
    if value is None:
        return "\N{EN DASH}"
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    if abs(value) >= 1e6 or abs(value) < 1e-3:
        return charts.power_of_ten(f"{value:.3g}")
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def distinct(values: Sequence[float]) -> list[str]:
    """Numbers of the data, with as many digits as it takes to tell different ones apart."""
    different = len({*values})
    texts = [number(value) for value in values]
    digits = _DIGITS
    while len({*texts}) < different:
        digits += 1
        texts = [f"{value:,.{digits}g}" for value in values]
    return texts


def metric(value: float | None) -> str:
    """A metric: four decimals, or a whole number; a dash if it is not defined."""
    if value is None or not math.isfinite(value):
        return "\N{EN DASH}"
    if value == int(value) and abs(value) >= 2:
        return f"{int(value):,}"
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.5g}"


def signed(value: float | None) -> str:
    """A difference, with its sign."""
    if value is None:
        return "\N{EN DASH}"
    text = metric(abs(value))
    if float(text.replace(",", "")) == 0:
        return "0"
    return f"+{text}" if value > 0 else f"\N{MINUS SIGN}{text}"


def seconds(value: float) -> str:
    """A duration for people."""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment(text: str) -> str:
    """A time in ISO 8601 for people."""
    return text.replace("T", " ").rstrip("Z") + " UTC" if text else ""


def shortened(reason: str | None) -> str:
    """The reason why a node ran; of many changed modules, the first ones."""
    return first_of((reason or "").split(", "), _MOST_REASONS)


def parts(counts: Sequence[float]) -> list[float]:
    """Each count as a share of all."""
    total = sum(counts) or 1
    return [count / total for count in counts]
