"""The picture as a Mermaid flowchart: small enough for a comment on a pull request, where the host draws it.

Mermaid 11 syntax only. No links: GitHub does not follow them. Every class sets its text colour, since the page behind may
be dark. Limits are kept by merging boxes, those with a finding last.
"""

from __future__ import annotations

import networkx as nx

from gradcheck_freeze.report.drawing import name_of
from gradcheck_freeze.report.flows import flow_of
from gradcheck_freeze.report.thin import flow_order
from gradcheck_freeze.report.view import view
from gradcheck_freeze.report.words import LOOKS, place_of, shown
from gradcheck_freeze.rules.diagnosis import Diagnosis

_TEXT = "#1B1F24"
_SHAPES = {
    "learning": ("(", ")"),
    "LEAK": ("[[", "]]"),
    "BLOCKED": ("{{", "}}"),
    "frozen": (">", "]"),
    "loss": ("([", "])"),
    "input": ("[/", "/]"),
    "optimizer": ("[(", ")]"),
}
_DASHES = {"BLOCKED": "6 3", "idle": "2 3"}
_WIDTHS = {"LEAK": "4px", "BLOCKED": "3px"}
_LINES = {
    "data": ("-->", ""),
    "gradient": ("<-->", "stroke:#14884C,stroke-width:2px"),
    "leak": ("<-->", "stroke:#B60304,stroke-width:4px"),
    "cut": ("-.-x", "stroke:#90008E,stroke-width:3px,stroke-dasharray:6 3"),
    "stopped": ("-.-x", "stroke:#76767E,stroke-dasharray:6 3"),
}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ")


def render(diagnosis: Diagnosis, most_nodes: int = 60, most_edges: int = 120, most_characters: int = 8000) -> str:
    """Return the flowchart, without a fence around it; within the limits as long as any box is."""
    most = most_nodes
    while True:
        drawn = view(diagnosis.graph, most)
        text = _flowchart(drawn, len(diagnosis.graph) > 0)
        if most <= 1 or (len(text) <= most_characters and drawn.number_of_edges() <= most_edges):
            return text
        most = min(most - 1, most * 3 // 4)


def _flowchart(graph: nx.DiGraph, seen: bool) -> str:
    order = {node: index for index, node in enumerate(flow_order(graph))}
    names = {node: f"n{index}" for node, index in order.items()}
    lines = ["flowchart TB", *_boxes(graph, names, "")]
    classes: dict[str, list[str]] = {}
    for node in order:
        attributes = graph.nodes[node]
        kind, state = str(attributes.get("kind", "")), str(attributes.get("state", ""))
        name = "frame" if attributes.get("open") else state if state in LOOKS else "loss" if kind == "loss" else "plain"
        classes.setdefault(name, []).append(names[node])
    styled: dict[str, list[str]] = {}
    for number, (source, target) in enumerate(sorted(graph.edges, key=lambda edge: (order[edge[0]], order[edge[1]]))):
        flow = flow_of(graph, source, target)
        arrow, style = _LINES[flow]
        said = f'|"{_cut(graph.edges[source, target])}"|' if flow in ("cut", "stopped") else ""
        lines.append(f"{names[source]} {arrow}{said} {names[target]}")
        if style:
            styled.setdefault(style, []).append(str(number))
    lines += [f"linkStyle {','.join(numbers)} {style}" for style, numbers in sorted(styled.items())]
    for name, members in sorted(classes.items()):
        lines.append(f"classDef {name} {_style(name)}")
        lines.append(f"class {','.join(members)} {name}")
    if not graph:
        lines.append(f'n0["{_text("…" if seen else "nothing was seen", 40)}"]')
    return "\n".join([*lines, ""])


def _boxes(graph: nx.DiGraph, names: dict[str, str], parent: str) -> list[str]:
    """Return the lines for all that stands in a frame, or outside every frame."""
    lines = []
    for node, name in names.items():
        attributes = graph.nodes[node]
        if (attributes.get("parent") or "") != parent:
            continue
        if attributes.get("open"):
            lines += [f'subgraph {name}["{_label(attributes)}"]', *_boxes(graph, names, node), "end"]
        else:
            opening, closing = _SHAPES.get(str(attributes.get("state") or attributes.get("kind", "")), ("[", "]"))
            lines.append(f'{name}{opening}"{_label(attributes)}"{closing}')
    return lines


def _style(name: str) -> str:
    look = LOOKS.get(name)
    if name == "frame":
        return f"fill:#F6F8FA,stroke:#8C959F,stroke-dasharray:1 3,color:{_TEXT}"
    if look is None:
        fill, stroke = ("#FFF8C5", _TEXT) if name == "loss" else ("#FFFFFF", "#76767E")
        return f"fill:{fill},stroke:{stroke},color:{_TEXT}"
    dash = f",stroke-dasharray:{_DASHES[name]}" if name in _DASHES else ""
    return f"fill:{look.fill},stroke:{look.stroke},stroke-width:{_WIDTHS.get(name, '1px')}{dash},color:{_TEXT}"


def _label(attributes: dict[str, object]) -> str:
    label = _text(name_of(attributes), 40)
    look = LOOKS.get(str(attributes.get("state", "")))
    return f"{label}<br/>{look.mark} {look.word}" if look and not attributes.get("open") else label


def _cut(attributes: dict[str, object]) -> str:
    place = place_of(attributes.get("location"))
    return f"✂ {_text(str(attributes.get('op', '')), 24)}" + (f"<br/>{_text(place, 40)}" if place else "")


def _text(text: str, most: int) -> str:
    """Return text that Mermaid shows as it stands: all but letters and digits as character codes, since a label is
    read as Markdown, as HTML and for icons."""
    safe = shown(text, most).replace(":fa-", ":\u2060fa-")
    return "".join(c if c in _PLAIN or ord(c) > 0x2FF else f"#{ord(c)};" for c in safe)
