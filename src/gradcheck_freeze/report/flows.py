"""What an edge of the graph says, and what one edge says that stands for several."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx


def flow_of(graph: nx.DiGraph, source: str, target: str) -> str:
    """Return what an edge shows: "cut", "stopped" (a cut that nobody complains of), "leak", "gradient" or "data"."""
    edge = graph.edges[source, target]
    if edge.get("cut"):
        return "cut" if edge.get("findings") else "stopped"
    if edge.get("gradient"):
        # A gradient leaks where it enters a box that this loss must not feed.
        return "leak" if set(_words(edge, "losses")).intersection(_words(graph.nodes[source], "leaks")) else "gradient"
    return "data"


def add_edge(graph: nx.DiGraph, source: str, target: str, edge: Mapping[str, object]) -> None:
    """Add an edge, or let the one that is there stand for it as well.

    A cut that a finding blames is never hidden; another is, by a gradient that takes a way beside it.
    """
    known = graph.get_edge_data(source, target)
    if known is None:
        graph.add_edge(source, target, **edge)
        return
    gradient = bool(known.get("gradient") or edge.get("gradient"))
    found, losses = (tuple(sorted({*_words(known, key), *_words(edge, key)})) for key in ("findings", "losses"))
    worse = known if _rank(known) <= _rank(edge) else edge
    known.update({**worse, "gradient": gradient, "findings": found, "losses": losses})


def _words(edge: Mapping[str, object], key: str) -> tuple[str, ...]:
    found = edge.get(key)
    return found if isinstance(found, tuple) else ()


def _rank(edge: Mapping[str, object]) -> int:
    if edge.get("cut"):
        return 0 if edge.get("findings") else 3
    return 2 if edge.get("gradient") else 4
