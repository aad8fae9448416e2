"""Drawings as inline SVG. Colours and fonts are the page's; each text is escaped."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT = 360, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 12, 10, 34
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a chart: its name, its points, and the number of its colour."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int = 0
    dashed: bool = False


@dataclasses.dataclass(frozen=True)
class Frame:
    """The area of a chart in the units of its values."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: int = WIDTH
    height: int = HEIGHT

    def px(self, value: float) -> str:
        """The horizontal position of a value."""
        share = (value - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        return f"{_LEFT + share * (self.width - _LEFT - _RIGHT):.1f}"

    def py(self, value: float) -> str:
        """The vertical position of a value."""
        share = (value - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return f"{self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM):.1f}"


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """At most `count` + 1 round numbers from `low` to `high`."""
    if not high > low:
        return [low]
    step = 10 ** math.floor(math.log10((high - low) / count))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= count)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """A number of an axis: at most four digits."""
    if value and (abs(value) >= 1e6 or abs(value) < 1e-3):
        return power_of_ten(f"{value:.2g}")
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def power_of_ten(text: str) -> str:
    """The text of a number, with a power of ten instead of `e+09`."""
    digits, e, exponent = text.partition("e")
    return (
        f"{digits}\N{MULTIPLICATION SIGN}10{str(int(exponent)).translate(_RAISED)}" if e else text
    )


def svg(frame: Frame, label: str, parts: Sequence[str]) -> Markup:
    """A drawing with a text for those who cannot see it."""
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(frame.width, frame.height, label, Markup("".join(parts)))


def axes(frame: Frame, x_label: str, y_label: str, x_ticks: Sequence[float] = ()) -> list[str]:
    """Grid lines, numbers and names of both axes."""
    bottom, right = frame.height - _BOTTOM, frame.width - _RIGHT
    parts = []
    for value in ticks(*frame.y):
        y = frame.py(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}"/>')
        parts.append(
            f'<text class="tick end" x="{_LEFT - 6}" y="{y}" dy=".32em">{number(value)}</text>'
        )
    for value in x_ticks or ticks(*frame.x):
        parts.append(
            f'<text class="tick mid" x="{frame.px(value)}" y="{bottom + 14}">{number(value)}</text>'
        )
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
    middle = (_LEFT + right) / 2
    parts.append(
        f'<text class="name mid" x="{middle}" y="{frame.height - 4}">{escape(x_label)}</text>'
    )
    if y_label:
        centre = (bottom + _TOP) / 2
        parts.append(
            f'<text class="name mid" transform="translate(11 {centre}) rotate(-90)">'
            f"{escape(y_label)}</text>"
        )
    return parts


def lines(
    all_lines: Sequence[Line],
    x_label: str,
    y_label: str,
    label: str,
    *,
    square: bool = False,
) -> Markup:
    """A chart of lines. If all horizontal values are whole, so are the numbers of that axis.

    Args:
      square: both axes are from 0 to 1.
    """
    points = [point for line in all_lines for point in line.points]
    if not points:
        return Markup("")
    if square:
        frame = Frame((0, 1), (0, 1), WIDTH, 300)
    else:
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        pad = (max(ys) - min(ys)) * 0.06 or abs(max(ys)) * 0.1 or 1
        frame = Frame((min(xs), max(xs)), (min(ys) - pad, max(ys) + pad))
    is_whole = all(x == round(x) for x, _ in points) and not square
    whole = [x for x in ticks(*frame.x) if abs(x - round(x)) < 1e-9] if is_whole else ()
    parts = axes(frame, x_label, y_label, whole)
    for line in all_lines:
        path = " ".join(f"{frame.px(x)},{frame.py(y)}" for x, y in line.points)
        dashed = " dashed" if line.dashed else ""
        parts.append(f'<polyline class="line s{line.colour}{dashed}" points="{path}"/>')
        if len(line.points) <= 12 and not square:
            parts += [
                f'<circle class="dot s{line.colour}" r="2.2" '
                f'cx="{frame.px(x)}" cy="{frame.py(y)}"/>'
                for x, y in line.points
            ]
    return svg(frame, label, parts)


def calibration(groups: Sequence[Mapping[str, float]], label: str) -> Markup:
    """Predicted against found shares.

    Args:
      groups: `score`, the mean prediction, `share` of class 1, and the ends `low` and `high` of
        the share's interval.
    """
    frame = Frame((0, 1), (0, 1), WIDTH, 300)
    parts = axes(frame, "predicted probability", "share of class 1")
    parts.append(_diagonal(frame))
    for group in groups:
        x, low, high = frame.px(group["score"]), frame.py(group["low"]), frame.py(group["high"])
        parts.append(f'<line class="whisker s0" x1="{x}" x2="{x}" y1="{low}" y2="{high}"/>')
        parts.append(f'<circle class="dot s0" cx="{x}" cy="{frame.py(group["share"])}" r="3.2"/>')
    return svg(frame, label, parts)


def _diagonal(frame: Frame) -> str:
    """The line where x and y are equal."""
    (low, high), x, y = frame.x, frame.px, frame.py
    return f'<line class="ideal" x1="{x(low)}" y1="{y(low)}" x2="{x(high)}" y2="{y(high)}"/>'


def bars(
    series: Sequence[Sequence[float]],
    x: tuple[float, float],
    x_label: str,
    y_label: str,
    label: str,
) -> Markup:
    """Histograms over each other; the first is the lowest layer."""
    highest = max((value for counts in series for value in counts), default=0) or 1
    frame = Frame(x, (0, highest * 1.05))
    parts = axes(frame, x_label, y_label)
    for colour, counts in enumerate(series):
        width = (x[1] - x[0]) / len(counts)
        for i, value in enumerate(counts):
            if value:
                left, right = (
                    float(frame.px(x[0] + i * width)),
                    float(frame.px(x[0] + (i + 1) * width)),
                )
                top = float(frame.py(value))
                height = frame.height - _BOTTOM - top
                parts.append(
                    f'<rect class="bar s{colour}" x="{left + 0.4:.1f}" y="{top:.1f}" '
                    f'width="{right - left - 0.8:.1f}" height="{height:.1f}"/>'
                )
    return svg(frame, label, parts)


def scatter(pairs: Sequence[Sequence[float]], label: str) -> Markup:
    """Predicted against actual values, with the line where both are equal."""
    if not pairs:
        return Markup("")
    low, high = min(map(min, pairs)), max(map(max, pairs))
    frame = Frame((low, high), (low, high), WIDTH, 300)
    parts = axes(frame, "actual", "predicted")
    parts.append(_diagonal(frame))
    parts += [
        f'<circle class="point s0" cx="{frame.px(actual)}" cy="{frame.py(predicted)}" r="2"/>'
        for actual, predicted in pairs
    ]
    return svg(frame, label, parts)


def steps(shares: Sequence[Sequence[float]], low: float, high: float, label: str) -> Markup:
    """A small histogram of a column: an outline for each split, the first one filled."""
    width, height, bottom = 320, 96, 14
    highest = max((value for of_split in shares for value in of_split), default=0) or 1
    parts = []
    for colour, of_split in enumerate(shares):
        if not of_split:
            continue
        step = width / len(of_split)
        path = [f"M0 {height - bottom}"]
        for i, value in enumerate(of_split):
            y = (height - bottom) * (1 - 0.94 * value / highest)
            path.append(f"V{y:.1f}H{(i + 1) * step:.1f}")
        path.append(f"V{height - bottom}")
        filled = " filled" if colour == 0 else ""
        parts.append(f'<path class="step s{colour}{filled}" d="{"".join(path)}"/>')
    y = height - bottom
    parts.append(f'<line class="axis" x1="0" x2="{width}" y1="{y}" y2="{y}"/>')
    parts.append(f'<text class="tick" x="0" y="{height - 2}">{number(low)}</text>')
    parts.append(f'<text class="tick end" x="{width}" y="{height - 2}">{number(high)}</text>')
    return svg(Frame((0, 1), (0, 1), width, height), label, parts)


def interval(value: float, low: float, high: float, limit: float | None) -> Markup:
    """A metric with its interval and its threshold, on a short line."""
    ends = [v for v in (value, low, high, limit) if v is not None]
    pad = (max(ends) - min(ends)) * 0.15 or abs(value) * 0.05 or 1
    left, right = min(ends) - pad, max(ends) + pad
    width, height = 160, 18

    def at(position: float) -> str:
        return f"{(position - left) / (right - left) * width:.1f}"

    parts = [f'<line class="axis" x1="0" x2="{width}" y1="9" y2="9"/>']
    parts.append(f'<line class="range" x1="{at(low)}" x2="{at(high)}" y1="9" y2="9"/>')
    parts.append(f'<circle class="dot s0" cx="{at(value)}" cy="9" r="4"/>')
    if limit is not None:
        parts.append(f'<line class="limit" x1="{at(limit)}" x2="{at(limit)}" y1="2" y2="16"/>')
    return Markup('<svg class="interval" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>').format(
        width, height, Markup("".join(parts))
    )
