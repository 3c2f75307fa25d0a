"""Makes a flat graph smaller than its hierarchy can: neighbours in the order of the flow share a box, and lines that a
longer way implies are left out."""

from __future__ import annotations

import re

import networkx as nx

from gradcheck_freeze.report.flows import add_edge, flow_of
from gradcheck_freeze.rules.siblings import spell

_NUMBER = re.compile(r"[0-9]{1,9}")
_WORST = ("LEAK", "BLOCKED", "learning", "frozen", "idle", "")
_FEW, _CROWDED = 60, 2.5  # lines, and lines per box, up to which every line is drawn


def thin(graph: nx.DiGraph, most: int) -> nx.DiGraph:
    """Return the graph in at most `most` boxes and few lines.

    Neighbours whose names differ only by numbers share a box first, then any; those with a finding last.
    """
    merged = _merge(graph, _alike(graph))
    count = max(1, most)
    if len(merged) > count or merged.number_of_edges() > 3 * most:
        order, whole = flow_order(merged), merged
        count = min(
            max(1, most // 3), len(order)
        )  # where boxes hold what chance puts together, few are as good as many
        while True:
            merged = _merge(whole, _runs(whole, order, count))
            if merged.number_of_edges() <= 3 * most or count <= 12:
                break
            count = max(12, count * 2 // 3)
    leave_out_implied(merged)
    return merged


def flow_order(graph: nx.DiGraph) -> list[str]:
    """Return the nodes so that edges lead onwards, those within a circle aside."""
    folded = nx.condensation(graph)
    members = folded.nodes(data="members")
    first = {component: min(nodes) for component, nodes in members}
    ordered = nx.lexicographical_topological_sort(folded, key=lambda component: first[component])
    return [node for component in ordered for node in sorted(members[component])]


def _alike(graph: nx.DiGraph) -> list[list[str]]:
    """Return runs of nodes in the order of the flow that are one and the same but for the numbers in their names."""
    runs: list[list[str]] = []
    last: object = None
    for node in flow_order(graph):
        attributes = graph.nodes[node]
        key = tuple(attributes.get(name) for name in ("kind", "state", "type", "findings", "leaks"))
        key = (_NUMBER.sub("*", str(attributes.get("label", node))), *key)
        if key != last or attributes.get("kind") == "loss":
            runs.append([])
        last = key
        runs[-1].append(node)
    return runs


def _runs(graph: nx.DiGraph, order: list[str], count: int) -> list[list[str]]:
    """Return about `count` runs of nodes in the order of the flow."""
    apart = {node for node in order if graph.nodes[node].get("findings") or graph.nodes[node].get("kind") == "loss"}
    if len(apart) > count // 3:  # too many to be drawn each
        apart = {node for node in order if graph.nodes[node].get("kind") == "loss"}
    if len(apart) > count // 3:
        apart = set()
    longest = -(-(len(order) - len(apart)) // max(1, count - 2 * len(apart)))
    runs: list[list[str]] = []
    for node in order:
        if not runs or node in apart or runs[-1][0] in apart or len(runs[-1]) >= longest:
            runs.append([])
        runs[-1].append(node)
    return runs


def _merge(graph: nx.DiGraph, runs: list[list[str]]) -> nx.DiGraph:
    result = nx.DiGraph()
    box: dict[str, str] = {}
    for run in runs:
        box.update(dict.fromkeys(run, run[0]))
        result.add_node(run[0], **_one(graph, run))
    for source, target, edge in graph.edges(data=True):
        ends = box[source], box[target]
        if ends[0] != ends[1]:
            add_edge(result, *ends, edge)
    return result


def _one(graph: nx.DiGraph, run: list[str]) -> dict[str, object]:
    """Return the attributes of the box that stands for some nodes."""
    first = dict(graph.nodes[run[0]])
    if len(run) == 1:
        return first
    nodes = [graph.nodes[node] for node in run]
    states = {str(node.get("state", "")) for node in nodes}
    names = [str(node.get("label", name)) for name, node in zip(run, nodes, strict=True)]
    alike = len({_NUMBER.sub("*", name) for name in names}) == 1
    return {
        **first,
        "label": spell(names) if alike else f"{names[0]} … {names[-1]}",
        "module": "",
        "members": (),
        "count": sum(node.get("count", 1) for node in nodes),
        "state": next((state for state in _WORST if state in states), ""),
        "findings": tuple(sorted({found for node in nodes for found in node.get("findings", ())})),
        "leaks": tuple(sorted({loss for node in nodes for loss in node.get("leaks", ())})),
    }


def leave_out_implied(graph: nx.DiGraph) -> None:
    """In a crowded graph, remove every plain edge whose ends a longer way joins as well; `graph.graph` says how many."""
    if graph.number_of_edges() <= max(_FEW, _CROWDED * len(graph)):
        return
    folded = nx.condensation(graph)
    home = folded.graph["mapping"]
    bit = {component: 1 << index for index, component in enumerate(folded)}
    reach: dict[int, int] = {}
    for component in reversed(list(nx.topological_sort(folded))):
        reach[component] = bit[component]
        for after in folded.successors(component):
            reach[component] |= reach[after]
    for source in list(graph):
        here = home[source]
        for target in list(graph.successors(source)):
            there = home[target]
            if here == there or flow_of(graph, source, target) not in ("data", "gradient"):
                continue
            if any(reach[n] & bit[there] for n in folded.successors(here) if n != there):
                graph.remove_edge(source, target)
                graph.graph["implied"] = graph.graph.get("implied", 0) + 1
