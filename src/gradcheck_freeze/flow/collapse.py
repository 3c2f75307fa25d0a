"""Folds the flow of one step to module calls: the picture an author has of the program.

A call of a module is one node; the ops between calls are elided, so that an edge from call to call may stand for several.
An op that severs stays visible as the cut on its edge.
"""

from __future__ import annotations

from collections.abc import Collection

import networkx as nx

from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.trace.record import DIFFERENTIABLE, NONE, REQUIRES_GRAD

_MOST_NODES = 150
_CARRIERS = ("module", "parameter")  # kinds of node that give gradient by themselves
Sources = dict[str, tuple[bool, int]]  # node → (carries gradient, the op that cut it or NONE)


def collapse(flow: FlowGraph, opened: Collection[str] = ()) -> nx.DiGraph:
    """Return the module-call graph of the last step seen; `opened` names modules to show from inside.

    Node attributes: kind, label, module, site, tensors (of the watched tensors read there). Edge attributes: gradient,
    cut, op, site.
    """
    for depth in (None, *range(3, -1, -1)):
        graph = _fold(flow, opened, depth)
        if len(graph) <= _MOST_NODES:
            break
    return graph


def _first_op(flow: FlowGraph) -> int:
    """Return the op at which the last complete step begins: after the step before the last step."""
    losses = {loss.backwards[-1] for loss in flow.losses}
    needed = min((flow.trace.backwards[b].after for b in losses), default=0)
    before = [step.after for step in flow.trace.steps if step.after < needed]
    return max(before, default=0)


def _fold(flow: FlowGraph, opened: Collection[str], depth: int | None) -> nx.DiGraph:
    graph: nx.DiGraph = nx.DiGraph()
    trace = flow.trace
    ops, values = trace.ops, trace.values
    first = _first_op(flow)
    shown = _shown_calls(flow, opened, depth, first)
    names: dict[int, str] = {}
    uses: dict[int, int] = {}
    held: dict[int, Sources] = {}
    alike: dict[tuple[object, ...], Sources] = {}  # long stretches of ops have the same sources: each is kept once
    for op in range(first, len(ops)):
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        made = [v for v in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]] if flow.data[v]]
        if not made:
            continue
        call = shown[ops.call[op]] if ops.call[op] != NONE else NONE
        arriving: Sources = {}
        tensors = []
        for value in read:
            tensor = values.tensor[value]
            if tensor != NONE:
                tensors.append(tensor)
            elif value in held:
                for node, (carries, cut) in held[value].items():
                    known = arriving.get(node)
                    arriving[node] = (
                        carries or bool(known and known[0]),
                        cut if known is None or not carries else known[1],
                    )
            elif call != NONE and values.flags[value] & DIFFERENTIABLE and values.op[value] == NONE:
                arriving[_input(graph, flow, value)] = (False, NONE)
        if call != NONE:
            node = names.get(call) or names.setdefault(call, _call_node(graph, flow, call, uses))
            graph.nodes[node]["tensors"].update(tensors)
            _connect(graph, flow, arriving, node)
            out: Sources = {node: (False, NONE)}
        else:
            loose = [t for t in tensors if trace.tensors[t].kind != "buffer"]
            out = dict(arriving)
            for tensor in loose:
                out[_tensor_node(graph, flow, tensor)] = (bool(trace.tensors[tensor].requires_grad), NONE)
        for value in made:
            carries = bool(values.flags[value] & REQUIRES_GRAD)
            if call != NONE:
                sources: Sources = {node: (carries, NONE)}
            else:
                sources = {
                    source: (
                        carries and (was or _kind(graph, source) == "module"),
                        cut if cut != NONE or carries or not (was or _kind(graph, source) in _CARRIERS) else op,
                    )
                    for source, (was, cut) in out.items()
                }
            held[value] = alike.setdefault(tuple(sources.items()), sources)
    for number, loss in enumerate(flow.losses):
        node = f"loss:{number}"
        graph.add_node(node, kind="loss", label=loss.name, module="", site=loss.site, tensors=set(), count=1)
        for root in trace.backwards[loss.backwards[-1]].roots:
            _connect(graph, flow, held.get(root, {}), node)
    for _, attributes in graph.nodes(data=True):
        attributes["tensors"] = tuple(sorted(attributes["tensors"]))
    return graph


def _kind(graph: nx.DiGraph, node: str) -> str:
    return str(graph.nodes[node]["kind"])


def _shown_calls(flow: FlowGraph, opened: Collection[str], depth: int | None, first: int) -> list[int]:
    """Return, for each module call, the call that is drawn in its place."""
    trace = flow.trace
    shown: list[int] = []
    open_names = {".".join(name.split(".")[:k]) for name in opened for k in range(1, name.count(".") + 1)}
    roots = {
        trace.calls[c].module
        for c in {trace.ops.call[op] for op in range(first, len(trace.ops))}
        if c != NONE and trace.calls[c].parent == NONE
    }
    if len(roots) == 1 and next(iter(roots)) != NONE:
        open_names.add(trace.modules[next(iter(roots))].name)
    for index, call in enumerate(trace.calls):
        parent = call.parent
        if parent == NONE or shown[parent] != parent:
            shown.append(index if parent == NONE else shown[parent])
            continue
        module = trace.calls[parent].module
        name = trace.modules[module].name if module != NONE else ""
        inside = name in open_names and (depth is None or name.count(".") < depth)
        shown.append(index if inside else parent)
    return shown


def _call_node(graph: nx.DiGraph, flow: FlowGraph, call: int, uses: dict[int, int]) -> str:
    record = flow.trace.calls[call]
    name = flow.trace.modules[record.module].name if record.module != NONE else "?"
    uses[record.module] = uses.get(record.module, 0) + 1
    node = f"call:{name}:{uses[record.module]}"
    label = name if uses[record.module] == 1 else f"{name} (call {uses[record.module]})"
    graph.add_node(node, kind="module", label=label, module=name, site=record.site, tensors=set(), count=1)
    return node


def _tensor_node(graph: nx.DiGraph, flow: FlowGraph, tensor: int) -> str:
    name = flow.trace.tensors[tensor].names[0] or "tensor"
    node = f"tensor:{name}"
    if node not in graph:
        graph.add_node(
            node,
            kind="parameter",
            label=name,
            module="",
            site=flow.trace.tensors[tensor].declared,
            tensors={tensor},
            count=1,
        )
    return node


def _input(graph: nx.DiGraph, flow: FlowGraph, value: int) -> str:
    if "input" not in graph:
        graph.add_node("input", kind="input", label="input", module="", site=NONE, tensors=set(), count=1)
    return "input"


def _connect(graph: nx.DiGraph, flow: FlowGraph, arriving: Sources, node: str) -> None:
    for source, (carries, cut) in arriving.items():
        if source == node:
            continue
        known = graph.edges.get((source, node))
        gradient = carries or bool(known and known["gradient"])
        severed = cut != NONE and not gradient
        ops = flow.trace.ops
        graph.add_edge(
            source,
            node,
            gradient=gradient,
            cut=severed,
            op=flow.trace.op_names[ops.name[cut]] if severed else "",
            site=ops.site[cut] if severed else NONE,
        )
