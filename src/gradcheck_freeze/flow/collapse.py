"""Folds the flow of one step to module calls: the picture an author has of the program.

The graph holds every call of a module that ran, under the call that it ran in, and the statements between calls at which
flows meet. Edges lead from leaf to leaf of that tree, so that any part of it can be folded afterwards. Repeated blocks
stand once, and where there would still be too many nodes, the innermost calls are folded for good.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import networkx as nx

from gradcheck_freeze.flow.endings import Ending, endings, read_in_vain
from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.flow.rolling import Branch, grow, module_name
from gradcheck_freeze.flow.statements import Link, Piece, pieces
from gradcheck_freeze.trace.record import NONE

_MOST_NODES = 2000
_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "matmul", "pow", "mod", "and", "or", "xor")


def collapse(flow: FlowGraph, marks: Mapping[int, object], needed: Collection[int]) -> nx.DiGraph:
    """Return the tree of module calls of the last step seen, with the flow from leaf to leaf.

    Only that is drawn on which a loss depends, and what reads the tensors in `needed`: where the last step does not, that
    of an earlier step. `marks` tells tensors apart in blocks that are otherwise repetitions. Node attributes: kind, label,
    module, type, parent, members, site, tensors (the watched ones read there), count. Edge attributes: gradient (mask of
    losses), cuts (ops).
    """
    ends = endings(flow, needed)
    ops = {op for ending in ends for op in ending.ops}.union(read_in_vain(flow, ends, needed))
    drawn, reached = pieces(flow, ends, sorted(ops))
    top, leaves = grow(flow, drawn, marks)
    graph: nx.DiGraph = nx.DiGraph()
    names = _add_nodes(graph, flow, ends, drawn, top, leaves)
    order = {node: index for index, node in enumerate(graph)}
    for target, piece in enumerate(drawn):
        for source, link in piece.links.items():
            _connect(graph, names[source], names[target], link, order)
    _add_inputs(graph, drawn, names)
    computed = {piece.ending: name for piece, name in zip(drawn, names, strict=True) if piece.ending != NONE}
    for number, node in enumerate(_add_losses(graph, flow, ends, reached, names, computed)):
        order.setdefault(node, len(order))
        for source, link in reached[number].items():
            _connect(graph, names[source], node, link, order)
    return graph


def _add_losses(
    graph: nx.DiGraph,
    flow: FlowGraph,
    ends: Sequence[Ending],
    reached: Sequence[Mapping[int, Link]],
    names: Sequence[str],
    computed: Mapping[int, str],
) -> list[str]:
    """Return the node of every ending; add one where no statement of its own computes its loss.

    Calls to whose loss the same boxes lead, of models that are drawn as one, share a node.
    """
    node_of: list[str] = []
    alike: dict[tuple[int, frozenset[str]], str] = {}
    for number, ending in enumerate(ends):
        sources = ending.loss, frozenset(names[source] for source in reached[number])
        if number in computed:
            node_of.append(computed[number])
        elif sources in alike:
            node_of.append(alike[sources])
            graph.nodes[alike[sources]]["count"] += 1
        else:
            node, label = _loss_called(flow, ends, number)
            node_of.append(node)
            alike[sources] = node
            _add(graph, node, "loss", label, site=flow.losses[ending.loss].site)
    return node_of


def _loss_called(flow: FlowGraph, ends: Sequence[Ending], number: int) -> tuple[str, str]:
    """Return the node of an ending and its label: one loss may be drawn for several models."""
    loss = ends[number].loss
    turn = sum(ending.loss == loss for ending in ends[: number + 1])
    name, site = flow.losses[loss].name, flow.losses[loss].site
    if site != NONE and sum(other.name == name for other in flow.losses) > 1:
        name += f" (line {flow.trace.sites[site].line})"
    return (f"loss:{loss}", name) if turn == 1 else (f"loss:{loss}:{turn}", f"{name} (call {turn})")


def _walk(top: Sequence[Branch]) -> Iterator[tuple[Branch, int]]:
    """Yield the branches with their depths, a branch before what is in it."""
    pending = [(branch, 0) for branch in reversed(top)]
    while pending:
        branch, depth = pending.pop()
        yield branch, depth
        pending.extend((child, depth + 1) for child in reversed(branch.children))


def _depth(top: Sequence[Branch]) -> int:
    """Return how deep the tree can be shown within the limit."""
    at_depth: dict[int, int] = {}
    for _, depth in _walk(top):
        at_depth[depth] = at_depth.get(depth, 0) + 1
    total = 0
    for depth in sorted(at_depth):
        total += at_depth[depth]
        if total > _MOST_NODES:
            return max(0, depth - 1)
    return len(at_depth)


def _add_nodes(
    graph: nx.DiGraph,
    flow: FlowGraph,
    ends: Sequence[Ending],
    drawn: Sequence[Piece],
    top: Sequence[Branch],
    leaves: Sequence[Branch],
) -> list[str]:
    """Add the nodes of the tree; return the node of every piece."""
    deepest = _depth(top)
    node_of: dict[Branch, str] = {}
    uses: dict[str, int] = {}
    for branch, depth in _walk(top):
        above = node_of[branch.parent] if branch.parent else ""
        if depth > deepest:
            node_of[branch] = above
            graph.nodes[above]["tensors"] |= branch.tensors
            continue
        if branch.call != NONE:
            name = module_name(flow, branch.call)
            uses[name] = uses.get(name, 0) + 1
            call = flow.trace.calls[branch.call]
            node, kind, site = f"call:{name}:{uses[name]}", "module", call.site
            label = name if uses[name] == 1 else f"{name} (call {uses[name]})"
            kind_of = flow.trace.modules[call.module].type_name if call.module != NONE else ""
        else:
            piece = drawn[branch.piece]
            name, kind_of, site = "", "", flow.trace.ops.site[piece.ops[-1]]
            if piece.loss != NONE:
                kind = "loss"
                node, label = _loss_called(flow, ends, piece.ending)
                site = flow.losses[piece.loss].site
            else:
                uses[above] = uses.get(above, 0) + 1
                node, kind, label = (
                    f"op:{uses[above]}:{above}",
                    "op",
                    _statement(flow, piece, graph.nodes[above]["module"] if above else ""),
                )
        node_of[branch] = node
        _add(graph, node, kind, label, site=site, module=name, parent=above, type=kind_of, count=branch.count)
        graph.nodes[node]["members"] = tuple(branch.members)
        graph.nodes[node]["tensors"] |= branch.tensors
    return [node_of[leaf.drawn()] for leaf in leaves]


def _add(graph: nx.DiGraph, node: str, kind: str, label: str, **attributes: object) -> None:
    plain: dict[str, object] = {"module": "", "type": "", "parent": "", "members": (), "tensors": set(), "count": 1}
    graph.add_node(node, kind=kind, label=label, **{**plain, **attributes})


def _statement(flow: FlowGraph, piece: Piece, around: str) -> str:
    """Return what a statement is called: its last op, the one that computes a loss before all others, and its tensors."""
    trace = flow.trace
    names = [op_name(trace.op_names[trace.ops.name[op]]) for op in piece.ops]
    name = next((name for name in reversed(names) if name.endswith("_loss") or "entropy" in name), names[-1])
    named = {trace.tensors[t].names[0] for t in piece.tensors if trace.tensors[t].kind != "buffer"}
    own = sorted(tensor.removeprefix(f"{around}.") for tensor in named)
    return f"{name} · {', '.join(own[:2])}{' …' if len(own) > 2 else ''}" if own else name


def op_name(name: str) -> str:
    """Return what an op is called on paper: `__rsub__` is a subtraction like any other."""
    bare = name.strip("_")
    if bare == name:
        return name
    return next((f"{p}" for p in _OPERATORS if bare in (p, f"r{p}", f"i{p}")), bare).replace("truediv", "div")


def _connect(graph: nx.DiGraph, source: str, target: str, link: Link, order: Mapping[str, int]) -> None:
    """Add an edge; one that leads back into a repeated block, to its next turn, only where the gradient is lost on it."""
    if not link.cuts and order[source] >= order[target]:
        return
    edge = graph.get_edge_data(source, target)
    if edge is None:
        graph.add_edge(source, target, gradient=link.gradient, cuts=tuple(link.cuts))
        return
    edge["gradient"] |= link.gradient
    edge["cuts"] = tuple(dict.fromkeys((*edge["cuts"], *link.cuts)))


def _add_inputs(graph: nx.DiGraph, drawn: Sequence[Piece], names: Sequence[str]) -> None:
    """Add a node for every value from outside; those that go to the same places share one."""
    readers: dict[int, dict[str, None]] = {}
    for piece, name in zip(drawn, names, strict=True):
        for value in piece.inputs:
            readers.setdefault(value, {})[name] = None
    alike: dict[tuple[str, ...], int] = {}
    for value in sorted(readers):
        places = tuple(readers[value])
        alike[places] = alike.get(places, 0) + 1
    for number, (places, count) in enumerate(alike.items(), 1):
        node = f"input:{number}"
        _add(graph, node, "input", "input", site=NONE, count=count)
        for place in places:
            graph.add_edge(node, place, gradient=0, cuts=())
