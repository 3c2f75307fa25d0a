"""A view of the graph as DOT: data forward in grey, gradient back in the colour of its verdict; frames are clusters."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx
from graphviz import Digraph
from graphviz.quoting import escape

from gradcheck_freeze.report.drawing import Box, boxes_of, label_size, name_of, said_on
from gradcheck_freeze.report.flows import flow_of
from gradcheck_freeze.report.thin import flow_order
from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.finding import Finding

_FONT = {"fontname": "Helvetica,Arial,sans-serif"}
_INCH = 72.0
_GRAPH = {"rankdir": "TB", "nodesep": "0.4", "ranksep": "0.45"}
_STYLES = {
    "learning": "rounded,filled",
    "LEAK": "bold,filled",
    "BLOCKED": "dashed,filled",
    "idle": "dotted,filled",
}
_PLAIN = {"loss": ("ellipse", "#FFF8C5", "#1B1F24"), "input": ("plaintext", "#FFFFFF", "#57606A")}
_LINES = {  # two colours make two lines: data onwards, gradient back
    "data": {"color": "#8C959F"},
    "gradient": {"color": "#8C959F:#14884C", "dir": "both", "penwidth": "1.5"},
    "leak": {"color": "#8C959F:#B60304", "dir": "both", "penwidth": "3"},
    "cut": {"color": "#90008E", "fontcolor": "#90008E", "style": "dashed", "penwidth": "2", "arrowhead": "tee"},
    "stopped": {"color": "#76767E", "fontcolor": "#57606A", "style": "dashed", "arrowhead": "tee"},
}
_SAID = {
    "data": "grey: data",
    "gradient": "green: gradient flows back",
    "leak": "red: gradient enters what must not learn",
    "cut": "dashed, ending in a bar: gradient cut",
    "stopped": "dashed grey: gradient stops here (no finding)",
}


def render(view: nx.DiGraph, findings: tuple[Finding, ...] = ()) -> str:
    """Return a view as DOT source; equal views give equal text."""
    boxes = boxes_of(view, findings)
    flows = {flow_of(view, *edge) for edge in view.edges}
    legend = [*(said for flow, said in _SAID.items() if flow in flows), str(view.graph.get("seen", ""))]
    dot = _graph(label="".join(f"{_text(line)}\\l" for line in filter(None, legend)), labelloc="b", size="40,40")
    identifiers, clusters = names(view)
    _frames(dot, view, clusters, "", identifiers, {node: _node(view.nodes[node], box) for node, box in boxes.items()})
    for source, target in _edges(view):
        flow = flow_of(view, source, target)
        said = said_on(view, source, target)
        label = {"label": _text(*said)} if said else {}
        dot.edge(identifiers[source], identifiers[target], **{**_LINES[flow], **label, "class": flow})
    return str(dot.source)


def layout_source(view: nx.DiGraph, boxes: Mapping[str, Box]) -> str:
    """Return a view as DOT that is only good for finding places: boxes of a given size, and edges."""
    dot = _graph()
    dot.attr("node", shape="box", fixedsize="true", label="")
    identifiers, clusters = names(view)
    sizes = {
        node: {"width": f"{box.width / _INCH:.3f}", "height": f"{box.height / _INCH:.3f}"}
        for node, box in boxes.items()
    }
    _frames(dot, view, clusters, "", identifiers, sizes)
    for source, target in _edges(view):
        said = said_on(view, source, target)
        label = {}
        if said:
            width, height = label_size(said)
            label["label"] = (
                f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="0"><tr>'
                f'<td fixedsize="true" width="{width:.0f}" height="{height:.0f}"></td></tr></table>>'
            )
        dot.edge(identifiers[source], identifiers[target], dir="none", **label)
    return str(dot.source)


def names(view: nx.DiGraph) -> tuple[dict[str, str], dict[str, str]]:
    """Return the identifiers of the boxes, and those of the frames, by node."""
    order = [node for node in flow_order(view) if not view.nodes[node].get("open")]
    frames = [node for node in sorted(view) if view.nodes[node].get("open")]
    return {n: f"n{i}" for i, n in enumerate(order)}, {n: f"cluster_{i}" for i, n in enumerate(frames)}


def _graph(**attributes: str) -> Digraph:
    dot = Digraph("gradcheck_freeze")
    dot.attr(fontsize="10", fontcolor="#57606A", **_GRAPH, **_FONT, **attributes)
    dot.attr("node", fontsize="12", fontcolor="#1B1F24", **_FONT)
    dot.attr("edge", fontsize="10", arrowsize="0.7", **_FONT)
    return dot


def _edges(view: nx.DiGraph) -> list[tuple[str, str]]:
    place = {node: index for index, node in enumerate(flow_order(view))}
    return sorted(view.edges, key=lambda edge: (place[edge[0]], place[edge[1]]))


def _frames(
    dot: Digraph,
    view: nx.DiGraph,
    clusters: Mapping[str, str],
    parent: str,
    identifiers: Mapping[str, str],
    boxes: Mapping[str, Mapping[str, str]],
) -> None:
    """Write the boxes and frames that stand in a frame."""
    for node in identifiers:
        if (view.nodes[node].get("parent") or "") == parent:
            dot.node(identifiers[node], **boxes[node])
    for node, cluster in clusters.items():
        if (view.nodes[node].get("parent") or "") == parent:
            with dot.subgraph(name=cluster) as inner:
                inner.attr(
                    label=_text(shown(name_of(view.nodes[node]), 60)),
                    style="rounded",
                    color="#8C959F",
                    labelloc="t",
                    labeljust="l",
                )
                _frames(inner, view, clusters, node, identifiers, boxes)


def _node(attributes: Mapping[str, object], box: Box) -> dict[str, str]:
    state = str(attributes.get("state", ""))
    look = LOOKS.get(state)
    if look is None:
        shape, fill, stroke = _PLAIN.get(box.look, ("box", "#FFFFFF", "#8C959F"))
        style = {"style": "filled,bold" if box.look == "loss" else "filled", "fillcolor": fill, "color": stroke}
        return {"label": _text(*box.lines), "shape": shape, **style, "class": box.look}
    size = {}
    if look.shape in ("octagon", "hexagon"):  # Graphviz makes them much larger than what they hold
        size = {
            "fixedsize": "true",
            "width": f"{box.width * 1.15 / _INCH:.2f}",
            "height": f"{box.height * 1.1 / _INCH:.2f}",
        }
    return {
        **size,
        "label": _text(*box.lines),
        "shape": look.shape,
        "style": _STYLES.get(state, "filled"),
        "color": look.stroke,
        "fillcolor": look.fill,
        "peripheries": "2" if state == "LEAK" else "1",
        "penwidth": "2" if state in ("LEAK", "BLOCKED") else "1",
        "class": state.lower(),
    }


def _text(*lines: str) -> str:
    """Return lines that Graphviz shows as they stand: no escapes, no HTML-like markup."""
    return "\\n".join(str(escape(line)) for line in lines)
