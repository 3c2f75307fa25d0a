"""A layered layout of our own, for where no engine is installed: longest-path layers, nodes in the order of their
neighbours, straight edges. It draws what `dot.render` describes, plainly."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

import networkx as nx

from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.finding import Location

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 170, 46, 90, 26
_DASHES = {"BLOCKED": ' stroke-dasharray="6 4"', "idle": ' stroke-dasharray="2 3"'}


def render(graph: nx.DiGraph) -> str:
    """Return the graph as a standalone SVG document, in time linear in its edges but for sorting."""
    places = _places(graph)
    width = max((x for x, _ in places.values()), default=0) + _WIDTH + 20
    height = max((y for _, y in places.values()), default=0) + _HEIGHT + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-20 -20 {width + 20} {height + 20}" width="{width + 20}" '
        f'height="{height + 20}" font-family="Helvetica,Arial,sans-serif" font-size="12">'
    ]
    parts += [_edge(places[s], places[t], a) for s, t, a in sorted(graph.edges(data=True), key=lambda e: e[:2])]
    parts += [_node(places[node], attributes) for node, attributes in sorted(graph.nodes(data=True))]
    return "\n".join([*parts, "</svg>", ""])


def _places(graph: nx.DiGraph) -> dict[str, tuple[int, int]]:
    layers: dict[str, int] = {}
    folded = nx.condensation(graph)
    for component in nx.lexicographical_topological_sort(folded):
        layer = max(
            (layers[m] + 1 for p in folded.predecessors(component) for m in folded.nodes[p]["members"]), default=0
        )
        layers.update(dict.fromkeys(folded.nodes[component]["members"], layer))
    rows: dict[int, list[str]] = {}
    for node in sorted(graph.nodes):
        rows.setdefault(layers[node], []).append(node)
    order: dict[str, float] = {}
    for layer in sorted(rows):
        weight = {n: [order[p] for p in graph.predecessors(n) if p in order] for n in rows[layer]}
        rows[layer].sort(key=lambda n: (sum(weight[n]) / len(weight[n]) if weight[n] else 0.0, n))
        order.update({n: float(i) for i, n in enumerate(rows[layer])})
    return {
        n: (layer * (_WIDTH + _GAP_X), i * (_HEIGHT + _GAP_Y)) for layer, row in rows.items() for i, n in enumerate(row)
    }


def _node(at: tuple[int, int], attributes: dict[str, object]) -> str:
    state = str(attributes.get("state", ""))
    look = LOOKS.get(state)
    stroke, fill = (look.stroke, look.fill) if look else ("#1B1F24", "#FFF8C5")
    word = f"{look.glyph} {look.word}" if look else str(attributes.get("kind", ""))
    x, y = at
    return (
        f'<g class={quoteattr(state.lower() or "plain")}><rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="{fill}" '
        f'stroke="{stroke}" stroke-width="{3 if state in ("LEAK", "BLOCKED") else 1}"{_DASHES.get(state, "")}/>'
        f'<text x="{x + _WIDTH / 2}" y="{y + 19}" text-anchor="middle">{escape(shown(str(attributes.get("label", "")), 26))}</text>'
        f'<text x="{x + _WIDTH / 2}" y="{y + 36}" text-anchor="middle">{escape(word)}</text></g>'
    )


def _edge(source: tuple[int, int], target: tuple[int, int], attributes: dict[str, object]) -> str:
    x1, y1, x2, y2 = source[0] + _WIDTH, source[1] + _HEIGHT / 2, target[0], target[1] + _HEIGHT / 2
    if attributes.get("cut"):
        line = (
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#90008E" stroke-width="2" stroke-dasharray="6 4"/>'
        )
        location = attributes.get("location")
        where = (
            f" {shown(location.path.rpartition('/')[2], 60)}:{location.line}" if isinstance(location, Location) else ""
        )
        label = escape(shown(f"✂ {attributes.get('op', '')}{where}", 60))
        return f'{line}<text x="{(x1 + x2) / 2}" y="{(y1 + y2) / 2 - 6}" text-anchor="middle" fill="#90008E">{label}</text>'
    colour, width = ("#14884C", 2) if attributes.get("gradient") else ("#8C959F", 1)
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="{width}"/>'
