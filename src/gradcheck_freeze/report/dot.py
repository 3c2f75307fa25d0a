"""The coloured graph as DOT: module calls as nodes, data forward in grey, gradient back in the colour of its verdict."""

from __future__ import annotations

import networkx as nx
from graphviz import Digraph
from graphviz.quoting import escape

from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.finding import Location

_FONT = {"fontname": "Helvetica,Arial,sans-serif"}
_GRADIENT = "#14884C"
_CUT = "#90008E"


def render(graph: nx.DiGraph) -> str:
    """Return the graph as DOT source; equal graphs give equal text."""
    dot = Digraph("gradcheck_freeze")
    dot.attr(
        rankdir="LR",
        size="40,40",
        nodesep="0.35",
        ranksep="0.6",
        label="grey: data   green: gradient flows back   dashed, ending in a bar: gradient cut",
        fontsize="10",
        fontcolor="#57606A",
        **_FONT,
    )
    dot.attr("node", fontsize="12", fontcolor="#1B1F24", **_FONT)
    dot.attr("edge", fontsize="10", arrowsize="0.7", **_FONT)
    names = {node: f"n{index}" for index, node in enumerate(sorted(graph.nodes))}
    for node, attributes in sorted(graph.nodes(data=True)):
        _node(dot, names[node], attributes)
    for source, target, attributes in sorted(graph.edges(data=True), key=lambda edge: edge[:2]):
        _edge(dot, names[source], names[target], attributes)
    return str(dot.source)


def _node(dot: Digraph, name: str, attributes: dict[str, object]) -> None:
    kind, state = str(attributes.get("kind", "")), str(attributes.get("state", ""))
    label = shown(str(attributes.get("label", "")), 60)
    look = LOOKS.get(state)
    if kind == "loss":
        dot.node(
            name,
            _text(label),
            shape="ellipse",
            style="filled,bold",
            fillcolor="#FFF8C5",
            color="#1B1F24",
            **{"class": "loss"},
        )
    elif look is None:
        dot.node(name, _text(label), shape="plaintext", **{"class": kind or "node"})
    else:
        style = {
            "learning": "rounded,filled",
            "LEAK": "bold,filled",
            "BLOCKED": "dashed,filled",
            "idle": "dotted,filled",
        }.get(state, "filled")
        dot.node(
            name,
            _text(f"{label}\n{look.glyph} {look.word}"),
            shape=look.shape,
            style=style,
            color=look.stroke,
            fillcolor=look.fill,
            peripheries="2" if state == "LEAK" else "1",
            penwidth="2" if state in ("LEAK", "BLOCKED") else "1",
            **{"class": state.lower()},
        )


def _edge(dot: Digraph, source: str, target: str, attributes: dict[str, object]) -> None:
    if attributes.get("cut"):
        location = attributes.get("location")
        where = (
            f"\n{shown(location.path.rpartition('/')[2], 60)}:{location.line}" if isinstance(location, Location) else ""
        )
        op = shown(str(attributes.get("op", "")), 40)
        dot.edge(
            source,
            target,
            label=_text(f"✂ {op}{where}"),
            color=_CUT,
            fontcolor=_CUT,
            style="dashed",
            penwidth="2",
            arrowhead="tee",
            **{"class": "cut"},
        )
    elif attributes.get("gradient"):
        dot.edge(
            source,
            target,
            color=_GRADIENT,
            penwidth="2",
            dir="both",
            arrowtail="normal",
            arrowhead="none",
            **{"class": "gradient"},
        )
    else:
        dot.edge(source, target, color="#8C959F", **{"class": "data"})


def _text(label: str) -> str:
    """Return a label that Graphviz shows as it stands: no escapes, no HTML-like markup."""
    return "\\n".join(escape(line) for line in label.split("\n"))
