"""Puts verdicts on the collapsed graph: the state of every node, the place of every cut, the findings that belong there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import networkx as nx

from gradcheck_freeze.flow.collapse import collapse
from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.rules.finding import Finding
from gradcheck_freeze.rules.places import place

_WORST = ("LEAK", "BLOCKED", "learning", "frozen", "idle")


def coloured_graph(flow: FlowGraph, states: Mapping[str, str], findings: Iterable[Finding]) -> nx.DiGraph:
    """Return the module-call graph with the attributes that `Diagnosis.graph` promises."""
    graph = collapse(flow)
    by_name: dict[str, list[str]] = {}
    for finding in findings:
        for name in finding.parameters:
            by_name.setdefault(name, []).append(finding.fingerprint)
    for _, node in graph.nodes(data=True):
        names = [flow.trace.tensors[t].names[0] for t in node.pop("tensors")]
        if node["module"]:
            names += [name for name in states if name.startswith(node["module"] + ".")]
        seen = {states[name] for name in names if name in states}
        node["state"] = next((state for state in _WORST if state in seen), "")
        node["findings"] = tuple(sorted({f for name in names for f in by_name.get(name, ())}))
        node["location"] = place(flow.trace, node.pop("site"))
    for _, _, edge in graph.edges(data=True):
        edge["location"] = place(flow.trace, edge.pop("site"), edge["op"])
        edge["findings"] = ()
    return graph
