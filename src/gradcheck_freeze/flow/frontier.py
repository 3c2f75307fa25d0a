"""Where the gradient of some parameters is lost: the severed edges at which their carried part of the graph ends."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gradcheck_freeze.flow.graph import FlowGraph, SeveredEdge
from gradcheck_freeze.trace.record import FUNCTION, LEAF, NONE, REQUIRES_GRAD

_MADE_OF_NUMBERS = frozenset({"tensor", "as_tensor", "asarray", "scalar_tensor", "new_tensor", "full", "from_numpy"})


@dataclass(frozen=True, slots=True)
class Cut:
    """All severed edges made at one place, in one module, under one grad mode block, and the tensors that they starve."""

    edges: tuple[SeveredEdge, ...]
    tensors: tuple[int, ...]

    @property
    def op(self) -> int:
        return self.edges[0].op


def cuts(flow: FlowGraph, tensors: Collection[int]) -> list[Cut]:
    """Return the cuts behind which these tensors lie, in the order of time.

    One sweep forward marks what carries their gradient, one sweep back tells which cut each of them runs into.
    """
    carried = carried_by(flow, tensors)
    ops = flow.trace.ops
    groups: dict[tuple[int, int, int, int], list[SeveredEdge]] = {}
    for edge in flow.severed:
        if carried[edge.source]:
            # One line of a class may run in two modules, and under two `no_grad` blocks of its callers.
            call = ops.call[edge.op]
            module = NONE if call == NONE else flow.trace.calls[call].module
            key = (ops.name[edge.op], ops.site[edge.op], ops.mode_site.get(edge.op, NONE), module)
            groups.setdefault(key, []).append(edge)
    if not groups:
        return []
    bits = [0] * len(flow.trace.values)
    for number, edges in enumerate(groups.values()):
        for edge in edges:
            bits[edge.source] |= 1 << number
    carry_back(flow, bits, carried)
    reached: dict[int, int] = {}
    owner = flow.trace.values.tensor
    for value, mask in enumerate(bits):
        if mask and owner[value] in tensors:
            reached[owner[value]] = reached.get(owner[value], 0) | mask
    return [
        Cut(tuple(edges), tuple(sorted(t for t, mask in reached.items() if mask >> number & 1)))
        for number, edges in enumerate(groups.values())
    ]


def exits(flow: FlowGraph, tensors: Collection[int]) -> list[Cut]:
    """Return the calls that take numbers which carry these tensors' gradient out of torch, in the order of time.

    A call counts only if a tensor that no seen op produced came in after it and reached a loss: where nothing comes
    back, the call was for the log.
    """
    trace = flow.trace
    ops, values = trace.ops, trace.values
    last = max((after for _, after in entries(flow)), default=-1)
    carried = carried_by(flow, tensors)
    groups: dict[tuple[int, int], list[SeveredEdge]] = {}
    bits = [0] * len(values)
    for op in range(len(ops)):
        leaves = ops.first_output[op] == ops.first_output[op + 1] and trace.op_names[ops.name[op]] != "backward"
        if leaves and op < last:
            for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
                for source in _before_detach(flow, value):
                    if carried[source]:
                        groups.setdefault((ops.name[op], ops.site[op]), []).append(SeveredEdge(op, source, source))
    for number, edges in enumerate(groups.values()):
        for edge in edges:
            bits[edge.source] |= 1 << number
    carry_back(flow, bits, carried)
    reached: dict[int, int] = {}
    for value, mask in enumerate(bits):
        if mask and values.tensor[value] in tensors:
            reached[values.tensor[value]] = reached.get(values.tensor[value], 0) | mask
    return [
        Cut(tuple(edges), tuple(sorted(t for t, mask in reached.items() if mask >> number & 1)))
        for number, edges in enumerate(groups.values())
    ]


def entries(flow: FlowGraph) -> Iterator[tuple[int, int]]:
    """Yield the values on the way to a loss that came in as plain numbers, with how many ops had run before."""
    trace = flow.trace
    ops, values = trace.ops, trace.values
    for value in range(len(values)):
        if not flow.data[value]:
            continue
        op, tensor = values.op[value], values.tensor[value]
        if op == NONE:
            if tensor == NONE:
                yield value, values.after.get(value, 0)
        elif (
            ops.first_input[op] == ops.first_input[op + 1]
            and trace.op_names[ops.name[op]] in _MADE_OF_NUMBERS
            and (tensor == NONE or trace.tensors[tensor].kind == "tensor")
        ):
            yield value, op


def _before_detach(flow: FlowGraph, value: int) -> Iterator[int]:
    """Yield a value and those it was made from by ops that dropped the gradient: `.detach().cpu().numpy()`, `.long()`."""
    ops, values = flow.trace.ops, flow.trace.values
    for _ in range(8):
        yield value
        op = values.op[value]
        if op == NONE or values.flags[value] & REQUIRES_GRAD:
            return
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        if not read:
            return
        value = read[0]


def carried_by(flow: FlowGraph, tensors: Collection[int]) -> bytearray:
    """Mark the values to which gradient edges lead from any of the tensors."""
    trace = flow.trace
    ops, flags, owner = trace.ops, trace.values.flags, trace.values.tensor
    marks = bytearray(len(trace.values))
    wanted = set(tensors)
    for value, tensor in enumerate(owner):
        if tensor != NONE and tensor in wanted:
            marks[value] = 1
    for op in range(len(ops)):
        if any(
            marks[v] and (flags[v] & REQUIRES_GRAD or ops.mode[op] == FUNCTION)
            for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        ):
            for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]:
                # In-place writes under no_grad do not carry on into the leaf they write to, nor does anything into a new leaf.
                new_leaf = flags[value] & LEAF and owner[value] not in wanted
                if ops.mode[op] == FUNCTION or (flags[value] & REQUIRES_GRAD and not ops.mode[op] and not new_leaf):
                    marks[value] = 1
    return marks


def carry_back(flow: FlowGraph, bits: list[int], within: bytearray) -> None:
    """Carry the bits from outputs to inputs over the marked values."""
    ops = flow.trace.ops
    for op in range(len(ops) - 1, -1, -1):
        mask = 0
        for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]:
            if within[value]:
                mask |= bits[value]
        if mask:
            for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
                if within[value]:
                    bits[value] |= mask


def carriers(flow: FlowGraph, values: Collection[int]) -> set[int]:
    """Return the tensors that a gradient at one of these values would reach."""
    flags = flow.trace.values.flags
    bits = [0] * len(flags)
    for value in values:
        bits[value] = 1
    carry_back(flow, bits, bytearray(1 if flag & REQUIRES_GRAD else 0 for flag in flags))
    return {owner for value, owner in enumerate(flow.trace.values.tensor) if owner != NONE and bits[value]}


def path(flow: FlowGraph, start: int, loss: int, most: int = 200) -> Iterator[int]:
    """Yield the ops on one data path from a value to a loss, the first op after the value first."""
    readers = _readers(flow, start, loss)
    value, ops = start, flow.trace.ops
    for _ in range(most):
        op = readers.get(value)
        if op is None:
            return
        yield op
        value = next(
            v for v in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]] if flow.data[v] >> loss & 1
        )


def _readers(flow: FlowGraph, start: int, loss: int) -> dict[int, int]:
    """Return, for each value after `start` on the way to a loss, the first op that carries it on."""
    ops = flow.trace.ops
    readers: dict[int, int] = {}
    reached = {start}
    first = flow.trace.values.op[start] + 1
    for op in range(first, len(ops)):
        made = [v for v in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]] if flow.data[v] >> loss & 1]
        if not made:
            continue
        for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
            if value in reached:
                readers.setdefault(value, op)
                reached.update(made)
    return readers
