"""What of the graph is shown at once: modules folded and unfolded, few enough boxes and lines to be read.

The graph of a diagnosis holds module calls within module calls (`parent`). Here some of them are opened, which draws a
frame around what they call, and all others are folded to one box each.
"""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from gradcheck_freeze.report.flows import add_edge
from gradcheck_freeze.report.thin import leave_out_implied, thin
from gradcheck_freeze.rules.siblings import spell

MOST_BOXES = 150
FAULTY = ("LEAK", "BLOCKED")


def view(graph: nx.DiGraph, most: int = MOST_BOXES, opened: Iterable[str] | None = None) -> nx.DiGraph:
    """Return the graph with some groups opened and the others folded, in at most about `most` boxes.

    `opened` are the groups to open, each with all around it; by default those that must be open to show where the
    gradient is cut, or which part of a module leaks. In the result, opened groups are nodes without edges and have
    `open` set; `parent` names the frame that a node stands in; `holds` says how many calls a box holds that could be
    opened; `short` is a label made for that place.
    """
    tree = Tree(graph)
    chosen = tree.needed(most) if opened is None else tree.closure(opened)
    folded = _fold(graph, tree, chosen)
    leave_out_implied(folded)
    if boxes(folded) > most or folded.number_of_edges() > 3 * most:
        folded = thin(_flat(folded), most)
    return _label(folded)


def boxes(graph: nx.DiGraph) -> int:
    """Return how many boxes a view draws: its frames are none."""
    return sum(not opened for _, opened in graph.nodes(data="open"))


class Tree:
    """The hierarchy of a graph. A parent that is not there, or leads round in a circle, counts as none."""

    def __init__(self, graph: nx.DiGraph) -> None:
        self.graph = graph
        self.parent: dict[str, str] = {}
        for node, given in graph.nodes(data="parent", default=""):
            self.parent[node] = given if given in graph else ""
        for node in graph:
            seen = {node}
            above = node
            while self.parent[above]:
                if self.parent[above] in seen:
                    self.parent[above] = ""
                    break
                above = self.parent[above]
                seen.add(above)
        self.children: dict[str, list[str]] = {}
        for node in sorted(graph):
            self.children.setdefault(self.parent[node], []).append(node)

    def above(self, node: str) -> list[str]:
        """Return the groups around a node, the innermost first."""
        found = []
        while node := self.parent[node]:
            found.append(node)
        return found

    def closure(self, opened: Iterable[str]) -> set[str]:
        """Return groups with all the groups around them."""
        known = {node for node in opened if node in self.children and node}
        return known.union(*(self.above(node) for node in known))

    def needed(self, most: int) -> set[str]:
        """Return the groups that must be open to show what the findings say, as far as there is room."""
        opened: set[str] = set()
        count = len(self.children.get("", ()))
        pending = [self._only_group(""), *self._around_cuts(), *self._mixed()]
        for wanted in pending:
            group = wanted
            while group:
                missing = [g for g in [group, *self.above(group)] if g not in opened]
                more = sum(len(self.children[g]) - 1 for g in missing)
                if count > most:  # one group may be too large: what is in it is then thinned out
                    return opened
                opened.update(missing)
                count += more
                group = self._only_group(group)
        return opened

    def _only_group(self, group: str) -> str:
        """Return the one group in a group that is all there is in it but for inputs and losses: it only wraps."""
        modules = [n for n in self.children.get(group, ()) if self.graph.nodes[n].get("kind") not in ("input", "loss")]
        return modules[0] if len(modules) == 1 and modules[0] in self.children else ""

    def _around_cuts(self) -> list[str]:
        found: dict[str, None] = {}
        for source, target, edge in sorted(self.graph.edges(data=True), key=lambda edge: edge[:2]):
            if edge.get("cut") and edge.get("findings"):
                around = set(self.above(target))
                found.update(dict.fromkeys(g for g in reversed(self.above(source)) if g in around))
        return list(found)

    def _mixed(self) -> list[str]:
        """Return the faulty groups of which only a part is at fault, the outer ones first."""
        states: dict[str, set[str]] = {}
        for node in self.graph:
            if node not in self.children and (state := str(self.graph.nodes[node].get("state", ""))):
                for group in self.above(node):
                    states.setdefault(group, set()).add(state)
        mixed = [g for g, seen in states.items() if len(seen) > 1 and seen.intersection(FAULTY)]
        return sorted(mixed, key=lambda group: (len(self.above(group)), group))


def _fold(graph: nx.DiGraph, tree: Tree, opened: set[str]) -> nx.DiGraph:
    """Return the graph with these groups opened: every edge leads from box to box."""
    shown: dict[str, str] = {}
    folded = nx.DiGraph()
    for node in sorted(graph):
        around = tree.above(node)
        closed = next((group for group in reversed(around) if group not in opened), node)
        shown[node] = closed
        if closed == node:
            attributes = graph.nodes[node]
            place = {"parent": tree.parent[node], "open": node in opened, "holds": len(tree.children.get(node, ()))}
            folded.add_node(node, **{**attributes, **place})
    for source, target, edge in sorted(graph.edges(data=True), key=lambda edge: edge[:2]):
        ends = shown[source], shown[target]
        if ends[0] != ends[1] or (source == target and edge.get("findings")):
            add_edge(folded, *ends, edge)
    return folded


def _flat(folded: nx.DiGraph) -> nx.DiGraph:
    """Return a view without its frames."""
    flat = nx.DiGraph(folded)
    flat.remove_nodes_from([node for node, opened in folded.nodes(data="open") if opened])
    for node in flat:
        flat.nodes[node]["parent"] = ""
    return flat


def _label(folded: nx.DiGraph) -> nx.DiGraph:
    """Give every node a name that is short in its place: without that of the module around it, with how often it comes."""
    for node, attributes in folded.nodes(data=True):
        name, label = str(attributes.get("module", "")), str(attributes.get("label", node))
        parent = str(attributes.get("parent", ""))
        around = str(folded.nodes[parent].get("module", "")) if parent in folded else ""
        members = attributes.get("members") or ()
        if name and label.startswith(name):
            said = spell(list(members)) if members else name
            short = said.removeprefix(around + ".") if around else said.removeprefix("self.")
            turn = label[len(name) :]
            if around and turn == str(folded.nodes[parent].get("label", "")).removeprefix(around):
                turn = ""  # the frame says it
            kind = str(attributes.get("type", ""))
            label = (
                f"{short} {kind}".rstrip() + turn if short.strip("{}-,*").replace(",", "").isdigit() else short + turn
            )
        count = attributes.get("count", 1)
        attributes["short"] = f"{label} ×{count}" if isinstance(count, int) and count > 1 else label
    return folded
