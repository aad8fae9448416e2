"""The graph of nodes as SVG: from top to bottom, so that it fits on a phone.

A graph with many nodes is in a box of its own that can be scrolled.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from tfx_pipeline.report import short_names
from tfx_pipeline.report.run_facts import NodeFacts

_WIDTH, _BOX, _ROW, _GAP = 380, 30, 52, 8
_WIDE_BOX = 110
_MOST_BESIDE = 4
"""Nodes beside each other in a drawing that is as wide as a phone."""
_MOST_WIDE = 40
"""And in a wide one. A layer of more nodes has several rows."""
_MOST_LAYERS = 20

Place = tuple[float, float, float]
"""Left, top and width of a box."""

_SYMBOLS = {
    "complete": "\N{CHECK MARK}",
    "cached": "\N{ANTICLOCKWISE OPEN CIRCLE ARROW}",
    "failed": "\N{MULTIPLICATION X}",
    "skipped": "\N{EN DASH}",
    "canceled": "\N{MULTIPLICATION X}",
    "running": "\N{BLACK RIGHT-POINTING TRIANGLE}",
}


def draw(nodes: Sequence[NodeFacts]) -> Markup:
    """The nodes in layers; an edge goes from a node to those that wait for it."""
    by_id = {node.id: node for node in nodes}
    edges = _edges(nodes)
    layers = _layers(nodes, edges)
    most = max(map(len, layers), default=0)
    is_wide = most > _MOST_BESIDE
    full = most * (_WIDE_BOX + _GAP) + _GAP if is_wide else _WIDTH
    boxes = _places(layers, full)
    texts = short_names.shorten({n: _room(width) for n, (_, _, width) in boxes.items()})
    parts = [_line(boxes[start], boxes[end]) for start, end in edges]
    parts += [_box(by_id[name], boxes[name], texts[name]) for name in boxes]
    height = len(layers) * _ROW - (_ROW - _BOX) + 4
    states = ", ".join(f"{node.id} {node.run.state}" for node in nodes)
    drawing = Markup(
        '<svg class="{}" width="{}" height="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        "{}</svg>"
    ).format(
        "graph wide" if is_wide else "graph",
        *(full, height, full, height),
        f"Graph of nodes: {states}",
        Markup("".join(parts)),
    )
    if not is_wide and len(layers) <= _MOST_LAYERS:
        return drawing
    return Markup('<div class="scroll graph-box">{}</div>').format(drawing)


def _places(layers: Sequence[Sequence[str]], full: int) -> dict[str, Place]:
    """The box of each node, in a drawing that is `full` wide."""
    boxes: dict[str, Place] = {}
    for depth, names in enumerate(layers):
        width = float(_WIDE_BOX)
        if full == _WIDTH:
            width = min(190.0, (full - _GAP * (len(names) + 1)) / len(names))
        used = width * len(names) + _GAP * (len(names) - 1)
        for i, name in enumerate(names):
            boxes[name] = ((full - used) / 2 + i * (width + _GAP), depth * _ROW + 2, width)
    return boxes


def _edges(nodes: Sequence[NodeFacts]) -> list[tuple[str, str]]:
    """From each node to those that wait for it, unless they wait for another one that does.

    Fewer lines say the same.
    """
    above: dict[str, set[str]] = {}
    edges = []
    for node in nodes:  # in topological order
        upstream = [name for name in node.upstream if name in above]
        implied = set().union(*(above[name] for name in upstream))
        above[node.id] = implied | {*upstream}
        edges += [(name, node.id) for name in upstream if name not in implied]
    return edges


def _layers(nodes: Sequence[NodeFacts], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Nodes by the longest path to them. Each is near those above it that it waits for."""
    depth: dict[str, int] = {}
    for node in nodes:  # in topological order
        above = [depth[name] for name in node.upstream if name in depth]
        depth[node.id] = max(above, default=-1) + 1
    upstream: dict[str, list[str]] = {name: [] for name in depth}
    for start, end in edges:
        upstream[end].append(start)
    layers: list[list[str]] = []
    middle: dict[str, float] = {}  # from 0, the left side, to 1
    for level in range(max(depth.values(), default=-1) + 1):
        names = [name for name, of_node in depth.items() if of_node == level]
        wanted = {n: [middle[above] for above in upstream[n]] for n in names}
        names.sort(key=lambda n: sum(wanted[n]) / len(wanted[n]) if wanted[n] else 0.5)
        middle |= {name: (i + 0.5) / len(names) for i, name in enumerate(names)}
        layers += [names[i : i + _MOST_WIDE] for i in range(0, len(names), _MOST_WIDE)]
    return layers


def _room(width: float) -> int:
    """How many characters of a name fit into a box."""
    return int((width - 30) / 6.9)


def _line(start: Place, end: Place) -> str:
    x0, y0 = start[0] + start[2] / 2, start[1] + _BOX
    x1, y1 = end[0] + end[2] / 2, end[1]
    middle = (y0 + y1) / 2
    path = f"M{x0:.0f} {y0:.0f}C{x0:.0f} {middle:.0f} {x1:.0f} {middle:.0f} {x1:.0f} {y1:.0f}"
    return f'<path class="edge" d="{path}"/>'


def _box(node: NodeFacts, box: Place, name: str) -> str:
    x, y, width = box
    symbol = _SYMBOLS.get(node.run.state, "")
    return (
        f'<g class="node {escape(node.run.state)}"><title>{escape(node.id)}: '
        f"{escape(node.run.state)}</title>"
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BOX}" rx="6"/>'
        f'<text x="{x + 9:.1f}" y="{y + 19}">{symbol}</text>'
        f'<text x="{x + 24:.1f}" y="{y + 19}">{escape(name)}</text></g>'
    )
