"""Builds the `FlowGraph`: one sweep back over the ops, from every loss to all that it was computed from."""

from __future__ import annotations

from gradcheck_freeze.flow.graph import FlowGraph, Loss, SeveredEdge, TensorFlow
from gradcheck_freeze.trace.record import FUNCTION, GRAD, INFERENCE, LEAF, NO_GRAD, NONE, REQUIRES_GRAD, Trace


def build(trace: Trace) -> FlowGraph:
    """Return the flow of a trace. Time and memory are linear in its ops."""
    losses, loss_of = _losses(trace)
    count = len(trace.values)
    data, gradient = [0] * count, [0] * count
    for index, backward in enumerate(trace.backwards):
        for root in backward.roots:
            data[root] |= 1 << loss_of[index]
            if trace.values.flags[root] & REQUIRES_GRAD:
                gradient[root] |= 1 << loss_of[index]
    _sweep(trace, data, gradient)
    return FlowGraph(
        trace, losses, data, gradient, tuple(_severed(trace, data)), _tensors(trace, data, gradient, loss_of)
    )


def _losses(trace: Trace) -> tuple[tuple[Loss, ...], list[int]]:
    """Group backward calls by place and name; return the losses and, for each backward, the number of its loss."""
    groups: dict[tuple[int, str], list[int]] = {}
    for index, backward in enumerate(trace.backwards):
        groups.setdefault((backward.site, backward.name), []).append(index)
    loss_of = [0] * len(trace.backwards)
    for number, members in enumerate(groups.values()):
        for index in members:
            loss_of[index] = number
    return tuple(Loss(name, site, tuple(members)) for (site, name), members in groups.items()), loss_of


def _sweep(trace: Trace, data: list[int], gradient: list[int]) -> None:
    """Carry the masks from every op's outputs to its inputs, the last op first."""
    ops, flags, owner = trace.ops, trace.values.flags, trace.values.tensor
    inputs, outputs, first_input, first_output = ops.inputs, ops.outputs, ops.first_input, ops.first_output
    for op in range(len(ops) - 1, -1, -1):
        data_mask = gradient_mask = 0
        for value in outputs[first_output[op] : first_output[op + 1]]:
            data_mask |= data[value]
            gradient_mask |= gradient[value]
        if not data_mask:
            continue
        written = None  # a leaf has no past, and without grad nothing has: only what is written into goes on as it was
        if gradient_mask and (
            ops.mode[op] in (NO_GRAD, INFERENCE)
            or all(flags[v] & LEAF for v in outputs[first_output[op] : first_output[op + 1]] if gradient[v])
        ):
            written = {owner[value] for value in outputs[first_output[op] : first_output[op + 1]]} - {NONE}
        for value in inputs[first_input[op] : first_input[op + 1]]:
            data[value] |= data_mask
            if gradient_mask and flags[value] & REQUIRES_GRAD and (written is None or owner[value] in written):
                gradient[value] |= gradient_mask


def _severed(trace: Trace, data: list[int]) -> list[SeveredEdge]:
    """Return the data edges on the way to a loss whose input carries gradient and whose output does not."""
    ops, flags = trace.ops, trace.values.flags
    outputs, first_output = ops.outputs, ops.first_output
    edges: list[SeveredEdge] = []
    inside = bytearray(len(flags))  # values inside a custom Function that depend on what carries gradient into it
    homeward = _Homeward(trace, data)
    for op, mode in enumerate(ops.mode):
        made = outputs[first_output[op] : first_output[op + 1]]
        suspect = [
            value
            for value in made
            if data[value] and (mode != GRAD or flags[value] & LEAF or not flags[value] & REQUIRES_GRAD)
        ]
        if not suspect and mode != FUNCTION:
            continue
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        carrying = [value for value in read if flags[value] & REQUIRES_GRAD or inside[value]]
        if mode == FUNCTION:
            for result in made if carrying else ():
                inside[result] = 1
            continue
        for result in suspect:
            if not flags[result] & REQUIRES_GRAD:
                edges.extend(
                    SeveredEdge(op, source, result)
                    for source in carrying
                    if not homeward.leads_home(result, trace.values.tensor[source])
                )
            else:
                # A leaf made of what carries gradient, or written in place under no_grad: the leaf goes on, the rest is cut.
                edges.extend(
                    SeveredEdge(op, s, result)
                    for s in carrying
                    if (not flags[s] & LEAF if mode == GRAD else trace.values.tensor[s] != trace.values.tensor[result])
                )
    return edges


class _Homeward:
    """Tells `p.data.clamp_(-1, 1)` from a cut: what was taken from a leaf only goes back into it."""

    def __init__(self, trace: Trace, data: list[int]) -> None:
        self.trace = trace
        self.data = data
        self._readers: dict[int, list[int]] | None = None
        self._roots = {root for backward in trace.backwards for root in backward.roots}

    def leads_home(self, value: int, leaf: int, most: int = 16) -> bool:
        """Return whether all that a loss depends on, of what is computed from the value, is written into this leaf."""
        if leaf == NONE:
            return False
        ops, owner = self.trace.ops, self.trace.values.tensor
        pending, seen = [value], {value}
        while pending:
            here = pending.pop()
            if here in self._roots or len(seen) > most:
                return False
            for op in self._index().get(here, ()):
                made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
                if not any(owner[v] == leaf for v in made):
                    fresh = {v for v in made if self.data[v]} - seen
                    seen |= fresh
                    pending.extend(fresh)
        return True

    def _index(self) -> dict[int, list[int]]:
        if self._readers is None:
            ops = self.trace.ops
            self._readers = {}
            for op in range(len(ops)):
                for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
                    self._readers.setdefault(value, []).append(op)
        return self._readers


def _tensors(trace: Trace, data: list[int], gradient: list[int], loss_of: list[int]) -> tuple[TensorFlow, ...]:
    count = len(trace.tensors)
    read = [False] * count
    data_of, gradient_of, received = [0] * count, [0] * count, [0] * count
    owner = trace.values.tensor
    for value in trace.ops.inputs:
        if owner[value] != NONE:
            read[owner[value]] = True
    for value, tensor in enumerate(owner):
        if tensor != NONE:
            data_of[tensor] |= data[value]
            gradient_of[tensor] |= gradient[value]
    for index, backward in enumerate(trace.backwards):
        for tensor in backward.received:
            received[tensor] |= 1 << loss_of[index]
    members: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for number, optimizer in enumerate(trace.optimizers):
        for position, group in enumerate(optimizer.groups):
            for tensor in group.tensors:
                members[tensor].append((number, position))
    steps: list[list[int]] = [[] for _ in range(count)]
    changed: list[list[int]] = [[] for _ in range(count)]
    written: list[list[int]] = [[] for _ in range(count)]
    for index, step in enumerate(trace.steps):
        for tensor in step.gradients:
            steps[tensor].append(index)
        for tensor in step.changed:
            changed[tensor].append(index)
    for index, write in enumerate(trace.writes):
        written[write.tensor].append(index)
    return tuple(
        TensorFlow(
            read[t],
            data_of[t],
            gradient_of[t],
            received[t],
            tuple(members[t]),
            tuple(steps[t]),
            tuple(changed[t]),
            tuple(written[t]),
        )
        for t in range(count)
    )
