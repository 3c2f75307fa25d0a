"""The picture inside the page: the SVG of the engine, taken apart and written anew from the few elements a drawing needs.

Nothing else comes through: no script, no style, no link, whatever an engine may write. The colours are left to the
style sheet of the page, so that the picture follows light and dark.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from xml.etree import ElementTree

import networkx as nx
from markupsafe import Markup, escape

from gradcheck_freeze.report import picture
from gradcheck_freeze.report.page.cards import near
from gradcheck_freeze.report.view import flow_of, view
from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.diagnosis import STATES, Diagnosis
from gradcheck_freeze.rules.finding import Location

_SVG = "{http://www.w3.org/2000/svg}"
_DRAWN = {
    "svg": ("viewBox",),
    "g": ("transform",),
    "path": ("d",),
    "polygon": ("points",),
    "polyline": ("points",),
    "ellipse": ("cx", "cy", "rx", "ry"),
    "rect": ("x", "y", "width", "height", "rx"),
    "line": ("x1", "y1", "x2", "y2"),
    "text": ("x", "y", "text-anchor", "font-size"),
}
_KINDS = ("node", "edge", "cut", "gradient", "data", "loss", "leak", "blocked", "learning", "frozen", "idle")
FLOWS = {  # what an arrow shows; the later wins where one arrow stands for several
    "data": "data only",
    "stopped": "✂ gradient stopped, as intended",
    "cut": "✂ gradient cut",
    "gradient": "gradient flows back",
    "leak": "⚠ gradient leaks in",
}
_MOST_WORDS = 300  # edges told in words


def inline(diagnosis: Diagnosis) -> Markup:
    """Return the picture as an svg element; the script of the page draws it anew, this is for readers without."""
    graph = diagnosis.graph
    if not graph:
        return Markup()
    root = ElementTree.fromstring(picture.svg(replace(diagnosis, graph=view(graph))))
    parts: list[str] = []
    _write(root, parts)
    return Markup("".join(parts))


def _write(element: ElementTree.Element, parts: list[str]) -> None:
    tag = element.tag.removeprefix(_SVG) if isinstance(element.tag, str) else ""
    if tag not in _DRAWN:
        return
    attributes = "".join(f' {k}="{escape(element.get(k))}"' for k in _DRAWN[tag] if element.get(k) is not None)
    kinds = [kind for kind in (element.get("class") or "").split() if kind in _KINDS]
    if kinds:
        attributes += f' class="{" ".join(kinds)}"'
    parts.append(f"<{tag}{attributes}>{escape(element.text or '') if tag == 'text' else ''}")
    for child in element:
        if tag == "g" and child.tag in (f"{_SVG}text", f"{_SVG}polygon") and "graph" in (element.get("class") or ""):
            continue  # the legend and the white sheet: the page has its own
        _write(child, parts)
    parts.append(f"</{tag}>")


@dataclass(frozen=True, slots=True)
class Legend:
    """The states and flows that a picture shows."""

    states: tuple[str, ...]
    flows: tuple[tuple[str, str], ...]


def legend(graph: nx.DiGraph) -> Legend:
    """Return what the reader of this picture must know, and nothing else."""
    states = {attributes.get("state") for _, attributes in graph.nodes(data=True)}
    flows = {flow_of(graph, source, target) for source, target in graph.edges}
    return Legend(
        tuple(state for state in STATES if state in states), tuple(flow for flow in FLOWS.items() if flow[0] in flows)
    )


def words(graph: nx.DiGraph) -> list[str]:
    """Return the picture in words, an arrow a line, for those who cannot see it."""
    told = []
    for source, target, attributes in sorted(graph.edges(data=True), key=lambda edge: edge[:2])[:_MOST_WORDS]:
        place = attributes.get("location")
        where = f" at {near(place)}" if isinstance(place, Location) else ""
        flow = flow_of(graph, source, target)
        says = FLOWS[flow]
        if flow in ("cut", "stopped"):
            says += f", by {shown(str(attributes.get('op') or 'an op'), 80)}{where}"
        told.append(f"{_called(graph, source)} → {_called(graph, target)}: {says}")
    more = graph.number_of_edges() - len(told)
    return [*told, f"and {more:,} more"] if more > 0 else told


def _called(graph: nx.DiGraph, node: str) -> str:
    attributes = graph.nodes[node]
    look = LOOKS.get(str(attributes.get("state", "")))
    label = shown(str(attributes.get("label", "")))
    return f"{label} ({look.word} {look.glyph})" if look else label
