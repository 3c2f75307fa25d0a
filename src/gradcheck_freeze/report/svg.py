"""Draws a view of the graph, with everything in its place, as SVG.

Every box and every edge is a group with a class, an id made from the names in the graph (`data-node`; `data-source` and
`data-target`) and a title, so that a page can find it and a screen reader can read it. Colours are custom properties on the
root, for light and dark. The picture paints its own paper: it is readable on any page.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from html import escape

import networkx as nx
from rich.cells import cell_len

from gradcheck_freeze.report.curves import Point, rest
from gradcheck_freeze.report.drawing import LINE, Box, Placed, label_size, name_of, said_on
from gradcheck_freeze.report.flows import flow_of
from gradcheck_freeze.report.svg_shapes import arrow, lines_of, shape
from gradcheck_freeze.report.svg_style import style_sheet
from gradcheck_freeze.report.words import LOOKS, place_of, shown

_MARGIN = 16.0
_SAID = {
    "data": "data",
    "gradient": "gradient, back from the loss",
    "leak": "gradient that enters what must not learn",
    "cut": "✂ gradient cut here",
    "stopped": "✂ gradient stops here (no finding)",
}


def draw(
    view: nx.DiGraph, boxes: Mapping[str, Box], placed: Placed, headline: Sequence[str] = (), prefix: str = ""
) -> str:
    """Return a standalone SVG document. `prefix` keeps the ids of several pictures on one page apart."""
    flows = [flow for flow in _SAID if flow in {flow_of(view, *edge) for edge in view.edges}]
    wide = max([cell_len(line) * 9.2 for line in headline] + [cell_len(_SAID[f]) * 7 + 56 for f in flows] + [0.0])
    width = math.ceil(max(placed.width, wide) + 2 * _MARGIN)
    head = len(headline) * 20 + (8 if headline else 0)
    below = _MARGIN + head + placed.height + 14
    implied = view.graph.get("implied", 0)
    notes = [f"{implied} lines are left out that a longer way implies"] if implied else []
    notes += [seen] if (seen := str(view.graph.get("seen", ""))) else []
    height = math.ceil(below + (len(flows) + len(notes)) * 16 + _MARGIN)
    left = (width - placed.width) / 2
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="gradient-flow" role="group" '
            f'aria-labelledby="{prefix}title {prefix}desc" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
            f'<title id="{prefix}title">Gradient flow</title>',
            f'<desc id="{prefix}desc">{_safe(" ".join(headline) or "The data flow of one training step.")}</desc>',
            f"<style>{style_sheet()}</style>",
            f"<defs>{''.join(arrow(prefix, flow) for flow in _SAID)}</defs>",
            f'<rect class="paper" width="{width}" height="{height}"/>',
            *(
                f'<text class="{"said" if i % 2 else "headline"}" x="{_MARGIN:g}" y="{_MARGIN + 13 + 20 * i:g}">{_safe(line)}</text>'
                for i, line in enumerate(headline)
            ),
            f'<g class="flow" transform="translate({left:.1f} {_MARGIN + head:g})">',
            *(_frame(view, node, placed, prefix) for node in sorted(placed.frames, key=lambda n: (_depth(view, n), n))),
            *(_edge(view, edge, placed, prefix) for edge in sorted(placed.routes)),
            *(_node(view, node, boxes[node], placed.boxes[node], prefix) for node in sorted(placed.boxes)),
            *(_label(view, edge, placed) for edge in sorted(placed.routes) if said_on(view, *edge)),
            "</g>",
            '<g class="legend">',
            *(_legend(flow, _MARGIN, below + 12 + 16 * i, prefix) for i, flow in enumerate(flows)),
            *(
                f'<text x="{_MARGIN:g}" y="{below + 12 + 16 * (len(flows) + i):g}">{_safe(note)}</text>'
                for i, note in enumerate(notes)
            ),
            "</g>",
            "</svg>",
            "",
        ]
    )


def identifier(*names: str) -> str:
    """Return what the id of a node or an edge ends in: the same in every picture of the same graph."""
    return hashlib.sha256("\0".join(names).encode("utf-8", "backslashreplace")).hexdigest()[:10]


def _frame(view: nx.DiGraph, node: str, placed: Placed, prefix: str) -> str:
    left, top, right, bottom = placed.frames[node]
    attributes = view.nodes[node]
    return (
        f'<g class="group" id="{prefix}g{identifier(node)}" data-node="{_safe(node)}" role="img">'
        f"<title>{_safe(shown(name_of(attributes)))}</title>"
        f'<rect class="frame" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" rx="8"/>'
        f'<text x="{left + 8:.1f}" y="{top + 15:.1f}">{_safe(shown(name_of(attributes), 50))}</text></g>'
    )


def _depth(view: nx.DiGraph, node: str) -> int:
    depth = 0
    while node in view and depth < 100:
        node = str(view.nodes[node].get("parent") or "")
        depth += 1
    return depth


def _node(view: nx.DiGraph, node: str, box: Box, at: Point, prefix: str) -> str:
    attributes = view.nodes[node]
    x, y = at[0] - box.width / 2, at[1] - box.height / 2
    described = [shown(str(attributes.get("label", node))), *box.lines[1:]]
    if place := place_of(attributes.get("location")):
        described.append(place)
    found = attributes.get("findings") or ()
    data = {
        "node": node,
        "kind": attributes.get("kind", ""),
        "state": attributes.get("state", ""),
        "module": attributes.get("module", ""),
        "findings": " ".join(found),
        "holds": attributes.get("holds", 0),
    }
    first = at[1] - len(box.lines) * LINE / 2 + 12.5
    lines = "".join(
        f'<text class="{_class_of_line(i, box)}" x="{at[0]:.1f}" y="{first + i * LINE:.1f}" text-anchor="middle">{_safe(line)}</text>'
        for i, line in enumerate(box.lines)
    )
    many = attributes.get("count", 1)
    stack = shape(box, x + 5, y + 5)
    return (
        f'<g class="node {box.look}" id="{prefix}n{identifier(node)}" role="img" '
        + " ".join(f'data-{key}="{_safe(str(value))}"' for key, value in data.items())
        + f"><title>{_safe(', '.join(described))}</title>"
        + (stack if isinstance(many, int) and many > 1 and box.look != "input" else "")
        + f"{shape(box, x, y)}{lines}</g>"
    )


def _class_of_line(index: int, box: Box) -> str:
    return "name" if index == 0 else "state" if index == 1 and box.look in LOOKS else "note"


def _edge(view: nx.DiGraph, edge: tuple[str, str], placed: Placed, prefix: str) -> str:
    source, target = edge
    flow = flow_of(view, source, target)
    attributes = view.edges[edge]
    route = placed.routes[edge]
    said = " ".join(
        [
            shown(name_of(view.nodes[source])),
            "to",
            shown(name_of(view.nodes[target])) + ":",
            _SAID[flow],
            *said_on(view, *edge),
        ]
    )
    return (
        f'<g class="edge {flow}" id="{prefix}e{identifier(source, target)}" data-source="{_safe(source)}" '
        f'data-target="{_safe(target)}" data-findings="{_safe(" ".join(attributes.get("findings") or ()))}" role="img">'
        f"<title>{_safe(said)}</title>{lines_of(route, flow, prefix)}</g>"
    )


def _label(view: nx.DiGraph, edge: tuple[str, str], placed: Placed) -> str:
    said = said_on(view, *edge)
    at = placed.labels.get(edge) or rest(placed.routes[edge], 0.5)[0][0]
    width, height = label_size(said)
    lines = "".join(
        f'<text x="{at[0]:.1f}" y="{at[1] - height / 2 + 14 + 14 * i:.1f}" text-anchor="middle">{_safe(line)}</text>'
        for i, line in enumerate(said)
    )
    return (
        f'<g class="label {flow_of(view, *edge)}" data-source="{_safe(edge[0])}" data-target="{_safe(edge[1])}"><rect class="pill" x="{at[0] - width / 2 + 4:.1f}" y="{at[1] - height / 2:.1f}" '
        f'width="{width - 8:.1f}" height="{height:.1f}" rx="4"/>{lines}</g>'
    )


def _legend(flow: str, x: float, y: float, prefix: str) -> str:
    route = [(x, y - 4), (x + 14, y - 4), (x + 28, y - 4), (x + 42, y - 4)]
    return f'<g class="edge {flow}">{lines_of(route, flow, prefix)}<text x="{x + 52:g}" y="{y:g}">{_safe(_SAID[flow])}</text></g>'


def _safe(text: str) -> str:
    """Return text for an element or an attribute, without the characters that XML has no way to write."""
    return escape(shown(text, 4000)).encode("ascii", "xmlcharrefreplace").decode()
