"""The picture as the page has it before its script draws it anew: for readers without scripts, and in words for those
who cannot see it."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import networkx as nx

from gradcheck_freeze.report import picture
from gradcheck_freeze.report.flows import flow_of
from gradcheck_freeze.report.page.cards import near
from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.diagnosis import STATES, Diagnosis
from gradcheck_freeze.rules.finding import Location

FLOWS = {  # what an arrow shows; the later wins where one arrow stands for several
    "data": "data only",
    "stopped": "✂ gradient stopped, as intended",
    "gradient": "gradient flows back",
    "leak": "⚠ gradient leaks in",
    "cut": "✂ gradient cut",
}
_MOST_WORDS = 300  # edges told in words


def address(diagnosis: Diagnosis) -> str:
    """Return the SVG of the picture as an address for an img element, in which no script can run; "" without a graph."""
    if not diagnosis.graph:
        return ""
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.svg(diagnosis).encode()).decode()}"


def title(graph: nx.DiGraph) -> str:
    """Return what the picture shows: one step, or one of each model where one line trains several."""
    several = any(kind == "loss" and str(node).count(":") > 1 for node, kind in graph.nodes(data="kind"))
    return f"Picture of one step{' of each' if several else ''}"


@dataclass(frozen=True, slots=True)
class Legend:
    """The states and flows that a picture shows."""

    states: tuple[str, ...]
    flows: tuple[tuple[str, str], ...]


def legend(graph: nx.DiGraph) -> Legend:
    """Return what the reader of this picture must know, and nothing else."""
    states = {attributes.get("state") for _, attributes in graph.nodes(data=True)}
    flows = {flow_of(graph, source, target) for source, target in graph.edges}
    if any(attributes.get("leaks") for _, attributes in graph.nodes(data=True)):
        flows.add("leak")
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
