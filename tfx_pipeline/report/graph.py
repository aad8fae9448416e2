"""The graph of nodes as SVG: from top to bottom, so that it fits on a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from tfx_pipeline.report.run_facts import NodeFacts

_WIDTH, _BOX, _ROW, _GAP = 380, 30, 52, 8
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
    layers = _layers(nodes)
    by_id = {node.id: node for node in nodes}
    boxes: dict[str, tuple[float, float, float]] = {}
    for depth, names in enumerate(layers):
        width = min(190.0, (_WIDTH - _GAP * (len(names) + 1)) / len(names))
        used = width * len(names) + _GAP * (len(names) - 1)
        for i, name in enumerate(names):
            boxes[name] = ((_WIDTH - used) / 2 + i * (width + _GAP), depth * _ROW + 2, width)
    parts = [_edge(boxes[a], boxes[node.id]) for node in nodes for a in _direct(node, by_id)]
    parts += [_box(by_id[name], boxes[name]) for name in boxes]
    height = len(layers) * _ROW - (_ROW - _BOX) + 4
    states = ", ".join(f"{node.id} {node.run.state}" for node in nodes)
    return Markup(
        '<svg class="graph" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, height, f"Graph of nodes: {states}", Markup("".join(parts)))


def _direct(node: NodeFacts, nodes: Mapping[str, NodeFacts]) -> list[str]:
    """Upstream nodes that are not upstream of another one: fewer lines say the same."""
    upstream = [name for name in node.upstream if name in nodes]
    return [
        name
        for name in upstream
        if not any(name in _above(other, nodes) for other in upstream if other != name)
    ]


def _above(name: str, nodes: Mapping[str, NodeFacts]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for upstream in nodes[waiting.pop()].upstream:
            if upstream in nodes and upstream not in found:
                found.add(upstream)
                waiting.append(upstream)
    return found


def _layers(nodes: Sequence[NodeFacts]) -> list[list[str]]:
    """Nodes by the longest path to them; at most four beside each other."""
    depth: dict[str, int] = {}
    for node in nodes:  # in topological order
        above = [depth[name] for name in node.upstream if name in depth]
        depth[node.id] = max(above, default=-1) + 1
    layers: list[list[str]] = []
    for level in range(max(depth.values(), default=-1) + 1):
        names = [name for name, of_node in depth.items() if of_node == level]
        layers += [names[i : i + 4] for i in range(0, len(names), 4)]
    return layers


def _edge(start: tuple[float, float, float], end: tuple[float, float, float]) -> str:
    x0, y0 = start[0] + start[2] / 2, start[1] + _BOX
    x1, y1 = end[0] + end[2] / 2, end[1]
    middle = (y0 + y1) / 2
    path = f"M{x0:.0f} {y0:.0f}C{x0:.0f} {middle:.0f} {x1:.0f} {middle:.0f} {x1:.0f} {y1:.0f}"
    return f'<path class="edge" d="{path}"/>'


def _box(node: NodeFacts, box: tuple[float, float, float]) -> str:
    x, y, width = box
    symbol = _SYMBOLS.get(node.run.state, "")
    room = int((width - 24) / 6.6)
    name = (
        node.id if len(node.id) <= room else node.id[: max(room - 1, 1)] + "\N{HORIZONTAL ELLIPSIS}"
    )
    return (
        f'<g class="node {escape(node.run.state)}"><title>{escape(node.id)}: '
        f"{escape(node.run.state)}</title>"
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BOX}" rx="6"/>'
        f'<text x="{x + 9:.1f}" y="{y + 19}">{symbol}</text>'
        f'<text x="{x + 24:.1f}" y="{y + 19}">{escape(name)}</text></g>'
    )
