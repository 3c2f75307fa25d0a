"""What of the graph is shown at once: few enough boxes and lines to be read."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

MOST_NODES = 150


def view(graph: nx.DiGraph, most: int = MOST_NODES, opened: Iterable[str] | None = None) -> nx.DiGraph:
    """Return the part of the graph that a picture shows, in at most about `most` boxes."""
    return near_findings(graph, most)


def near_findings(graph: nx.DiGraph, most: int) -> nx.DiGraph:
    """Return the graph, or the `most` nodes of it that are nearest to a finding."""
    if len(graph) <= most:
        return graph
    faulty = {node for node, attributes in graph.nodes(data=True) if attributes.get("findings")}
    faulty |= {end for edge in graph.edges(data=True) if edge[2].get("findings") for end in edge[:2]}
    losses = [node for node, attributes in graph.nodes(data=True) if attributes.get("kind") == "loss"]
    kept = dict.fromkeys(sorted(faulty) or sorted(losses) or sorted(graph))
    for node in kept.copy():
        kept.pop(node) if len(kept) > most else None
    reached = list(kept)
    for node in reached:
        for other in sorted({*graph.predecessors(node), *graph.successors(node)} - kept.keys()):
            if len(kept) >= most:
                break
            kept[other] = None
            reached.append(other)
    return graph.subgraph(kept)


def flow_of(graph: nx.DiGraph, source: str, target: str) -> str:
    """Return what an edge shows: "cut", "stopped" (a cut that nobody complains of), "leak", "gradient" or "data"."""
    edge = graph.edges[source, target]
    if edge.get("cut"):
        return "cut" if edge.get("findings") else "stopped"
    if edge.get("gradient"):
        return "leak" if edge.get("state", graph.nodes[source].get("state")) == "LEAK" else "gradient"
    return "data"
