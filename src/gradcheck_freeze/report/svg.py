"""Draws a view of the graph, with everything in its place, as SVG.

Every box and every edge is a group with a class, an id made from the names in the graph (`data-node`; `data-source` and
`data-target`) and a title, so that a page can find it and a screen reader can read it. Colours are custom properties on the
root, for light and dark. The picture paints its own paper: it is readable on any page.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import networkx as nx
from rich.cells import cell_len

from gradcheck_freeze.report.curves import Point, beside, path, rest
from gradcheck_freeze.report.drawing import CUT_AT, LINE, Box, Placed, label_size, name_of, said_on
from gradcheck_freeze.report.flows import flow_of
from gradcheck_freeze.report.words import LOOKS, place_of, shown

_MARGIN = 16.0
_APART = 2.6  # of the line of the data and that of the gradient, from the middle between them
_SAID = {
    "data": "data",
    "gradient": "gradient, back from the loss",
    "leak": "gradient that enters what must not learn",
    "cut": "✂ gradient cut here",
    "stopped": "✂ gradient stops here (no finding)",
}
_LIGHT = {
    "paper": "#FFFFFF",
    "ink": "#1B1F24",
    "faint": "#57606A",
    "line": "#8C959F",
    "frame": "#F6F8FA",
    "loss": "#FFF8C5",
}
_DARK = {
    "paper": "#0D1117",
    "ink": "#E6EDF3",
    "faint": "#9DA7B3",
    "line": "#6E7681",
    "frame": "#161B22",
    "loss": "#2D2A12",
}
_TEXT = {"learning": "#0E6B3B", "idle": "#5A5A62"}  # where the stroke is too light for text on its fill
_COLOUR = {"data": "line", "gradient": "learning", "leak": "LEAK", "cut": "BLOCKED", "stopped": "faint"}


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
            f"<style>{_style()}</style>",
            f"<defs>{''.join(_arrow(prefix, flow) for flow in _SAID)}</defs>",
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


def _style() -> str:
    """Return the style sheet; no rule of it reaches what is not in a picture."""

    def properties(plain: Mapping[str, str], dark: bool) -> str:
        pairs = dict(plain)
        for state, look in LOOKS.items():
            pairs[state] = look.dark_stroke if dark else look.stroke
            pairs[f"{state}-fill"] = look.dark_fill if dark else look.fill
            pairs[f"{state}-text"] = look.dark_stroke if dark else _TEXT.get(state, look.stroke)
        return "".join(f"--{name}:{value};" for name, value in pairs.items())

    rules = list(_RULES.items())
    for state in LOOKS:
        rules.append((f".node.{state} .shape", f"fill:var(--{state}-fill);stroke:var(--{state})"))
        rules.append((f".node.{state} .state", f"fill:var(--{state}-text)"))
    for flow, colour in _COLOUR.items():
        rules.append((f".{flow} .gradient-line", f"stroke:var(--{colour})"))
        rules.append((f"path.arrow.{flow}", f"fill:var(--{colour});stroke:none"))
    rules += _LAST_RULES.items()
    scoped = "".join(
        f"{','.join(f'.gradient-flow {part}' for part in selector.split(','))}{{{declarations}}}"
        for selector, declarations in rules
    )
    return (
        f".gradient-flow{{{properties(_LIGHT, False)}font-family:Helvetica,Arial,sans-serif;font-size:12px}}"
        f"@media (prefers-color-scheme:dark){{.gradient-flow{{{properties(_DARK, True)}}}}}{scoped}"
        "@media (prefers-contrast:more){.gradient-flow{--faint:var(--ink);--line:var(--ink)}}"
    )


_RULES = {
    "text": "fill:var(--ink);stroke:none",
    "path": "fill:none",
    ".paper": "fill:var(--paper)",
    ".headline": "font-weight:bold;font-size:14px",
    ".said": "fill:var(--faint)",
    ".shape": "fill:var(--paper);stroke:var(--line);stroke-width:1.2",
    ".name,text.state": "font-weight:bold",
    ".plain .name,.input .name": "font-weight:normal",
    ".note,.legend text,.group>text": "font-size:11px;fill:var(--faint)",
    ".frame": "fill:var(--frame);stroke:var(--line);stroke-dasharray:1 3",
    ".data-line": "stroke:var(--line);stroke-width:1.1",
    ".gradient-line": "stroke-width:2",
    ".pill": "fill:var(--paper);opacity:.9",
    ".label text": "font-size:11px",
}
_LAST_RULES = {
    ".node.loss .shape": "fill:var(--loss);stroke:var(--ink);stroke-width:2",
    ".node.LEAK .shape,.node.BLOCKED .shape": "stroke-width:2.5",
    ".node.LEAK .inner": "fill:none;stroke-width:1",
    ".node.BLOCKED .shape": "stroke-dasharray:7 4",
    ".node.idle .shape": "stroke-dasharray:2 3",
    ".node.input .shape": "stroke:none",
    ".leak .gradient-line": "stroke-width:3.5",
    ".cut .gradient-line": "stroke-width:2.5;stroke-dasharray:7 4",
    ".stopped .gradient-line": "stroke-width:1.3;stroke-dasharray:4 3",
    ".edge .gradient-line.tee": "stroke-dasharray:none",
    ".label.cut text": "fill:var(--BLOCKED);font-weight:bold",
    ".label.stopped text": "fill:var(--faint)",
}


def _arrow(prefix: str, flow: str) -> str:
    return (
        f'<marker id="{prefix}{flow}" class="marker" viewBox="0 0 10 10" refX="9" refY="5" markerUnits="userSpaceOnUse" '
        f'markerWidth="{_HEADS[flow]}" markerHeight="{_HEADS[flow]}" orient="auto-start-reverse">'
        f'<path class="arrow {flow}" d="M0 0.8 10 5 0 9.2z"/></marker>'
    )


_HEADS = {"data": 8, "gradient": 11, "leak": 14, "cut": 11, "stopped": 8}


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
    stack = _shape(box, x + 5, y + 5)
    return (
        f'<g class="node {box.look}" id="{prefix}n{identifier(node)}" role="img" '
        + " ".join(f'data-{key}="{_safe(str(value))}"' for key, value in data.items())
        + f"><title>{_safe(', '.join(described))}</title>"
        + (stack if isinstance(many, int) and many > 1 and box.look != "input" else "")
        + f"{_shape(box, x, y)}{lines}</g>"
    )


def _class_of_line(index: int, box: Box) -> str:
    return "name" if index == 0 else "state" if index == 1 and box.look in LOOKS else "note"


def _shape(box: Box, x: float, y: float) -> str:
    w, h = box.width, box.height
    if box.look == "LEAK":
        return _octagon(x, y, w, h, 9, "shape") + _octagon(x + 4, y + 4, w - 8, h - 8, 7, "shape inner")
    if box.look == "BLOCKED":
        return _polygon(
            [(x + 13, y), (x + w - 13, y), (x + w, y + h / 2), (x + w - 13, y + h), (x + 13, y + h), (x, y + h / 2)]
        )
    if box.look == "frozen":
        fold = 9
        edge = _polygon([(x, y), (x + w - fold, y), (x + w, y + fold), (x + w, y + h), (x, y + h)])
        return f'{edge}<path class="shape" d="M{x + w - fold:.1f} {y:.1f}v{fold}h{fold}"/>'
    round_by = {"learning": 10.0, "loss": h / 2}.get(box.look, 2.0)
    return f'<rect class="shape" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{round_by:g}"/>'


def _octagon(x: float, y: float, w: float, h: float, c: float, name: str) -> str:
    corners = [(x + c, y), (x + w - c, y), (x + w, y + c), (x + w, y + h - c)]
    corners += [(x + w - c, y + h), (x + c, y + h), (x, y + h - c), (x, y + c)]
    return _polygon(corners, name)


def _polygon(points: Iterable[Point], name: str = "shape") -> str:
    return f'<polygon class="{name}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


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
        f"<title>{_safe(said)}</title>{_lines(route, flow, prefix)}</g>"
    )


def _lines(route: Sequence[Point], flow: str, prefix: str) -> str:
    """Return the line of the data, and beside it that of the gradient, which leads the other way."""
    if flow == "data":
        return f'<path class="data-line" d="{path(route)}" marker-end="url(#{prefix}data)"/>'
    data, back = beside(route, -_APART), beside(route, _APART)
    lines = f'<path class="data-line" d="{path(data)}" marker-end="url(#{prefix}data)"/>'
    if flow in ("gradient", "leak"):
        return f'{lines}<path class="gradient-line" d="{path(back)}" marker-start="url(#{prefix}{flow})"/>'
    half, (dx, dy) = rest(back, CUT_AT)
    at = half[0]
    reach = 9 if flow == "cut" else 6
    tee = f"M{at[0] - dy * reach:.1f} {at[1] + dx * reach:.1f}L{at[0] + dy * reach:.1f} {at[1] - dx * reach:.1f}"
    return f'{lines}<path class="gradient-line" d="{path(half)}"/><path class="gradient-line tee" d="{tee}"/>'


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
    return f'<g class="edge {flow}">{_lines(route, flow, prefix)}<text x="{x + 52:g}" y="{y:g}">{_safe(_SAID[flow])}</text></g>'


def _safe(text: str) -> str:
    """Return text for an element or an attribute, without the characters that XML has no way to write."""
    return escape(shown(text, 4000)).encode("ascii", "xmlcharrefreplace").decode()
