"""Which ops stop gradient, and which of several cuts on the way to a loss is the one to blame."""

from __future__ import annotations

from collections.abc import Sequence

from gradcheck_freeze.flow.frontier import Cut
from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.trace.record import DIFFERENTIABLE, INFERENCE, NO_GRAD

DETACHING = frozenset({"detach", "detach_", "data"})
LEAVING = frozenset(
    {
        "item",
        "tolist",
        "numpy",
        "__array__",
        "__float__",
        "__int__",
        "__bool__",
        "__index__",
        "__complex__",
        "__dlpack__",
        "tensor",
        "as_tensor",
        "asarray",
        "from_numpy",
        "nn.Parameter",
        "alias",
        "deepcopy",
        "new_tensor",
        "scalar_tensor",
    }
)
ONE_NUMBER = frozenset({"item", "__float__", "__int__", "__bool__", "__index__", "__complex__"})


def blamed(flow: FlowGraph, found: Sequence[Cut]) -> dict[int, Cut]:
    """Return, for every tensor behind a cut, the one to blame.

    First come the cuts behind which nothing else cuts, as mending one of these is enough; of the others, those that lead
    to no other cut of the same tensor; then what an author wrote to stop gradient before what has none by nature; then
    the earlier.
    """
    ops = flow.trace.ops
    behind: dict[int, int] = {}
    for number, cut in enumerate(found):
        for tensor in cut.tensors:
            behind[tensor] = behind.get(tensor, 0) | 1 << number
    if all(mask.bit_count() == 1 for mask in behind.values()):  # there is nothing to choose: two sweeps less
        return {tensor: found[mask.bit_length() - 1] for tensor, mask in sorted(behind.items())}
    is_open, further = _open_to_a_loss(flow), _further_cuts(flow, found)

    def rank(number: int, others: int) -> tuple[bool, bool, int, int]:
        cut = found[number]
        name = flow.trace.op_names[ops.name[cut.op]]
        if name in DETACHING:
            kind = 0
        elif ops.mode[cut.op] in (NO_GRAD, INFERENCE):
            kind = 1
        elif name in LEAVING:
            kind = 2
        else:
            kind = 3
        shut = not any(is_open[edge.result] for edge in cut.edges)
        leads_on = shut and all(further[edge.source] & others & ~(1 << number) for edge in cut.edges)
        return shut, leads_on, kind, cut.op

    best: dict[int, Cut] = {}
    for mask in set(behind.values()):
        numbers = [number for number in range(len(found)) if mask >> number & 1]
        best[mask] = found[min(numbers, key=lambda number: rank(number, mask))]
    return {tensor: best[mask] for tensor, mask in sorted(behind.items())}


def _further_cuts(flow: FlowGraph, found: Sequence[Cut]) -> list[int]:
    """Return, for each value, the mask of the cuts at which something ends that is computed from it for a loss."""
    ops = flow.trace.ops
    here, masks = [0] * len(flow.trace.values), [0] * len(flow.trace.values)
    for number, cut in enumerate(found):
        for edge in cut.edges:
            here[edge.source] |= 1 << number
    for op in range(len(ops) - 1, -1, -1):
        mask = 0
        for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]:
            if flow.data[value]:
                mask |= masks[value] | here[value]
        if mask:
            for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
                masks[value] |= mask
    return masks


def _open_to_a_loss(flow: FlowGraph) -> bytearray:
    """Mark the values from which gradient would come back if they carried any: no op on some way to a loss drops it."""
    trace = flow.trace
    ops, flags = trace.ops, trace.values.flags
    dropping = {number for number, name in enumerate(trace.op_names) if name in DETACHING or name in LEAVING}
    marks = bytearray(len(trace.values))
    for backward in trace.backwards:
        for root in backward.roots:
            marks[root] = 1
    for op in range(len(ops) - 1, -1, -1):
        if ops.mode[op] in (NO_GRAD, INFERENCE) or ops.name[op] in dropping:
            continue
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        if not any(marks[value] for value in made):
            continue
        to_numbers = not any(flags[value] & DIFFERENTIABLE for value in made)  # argmax, a comparison, a cast
        for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
            if not (to_numbers and flags[value] & DIFFERENTIABLE):
                marks[value] = 1
    return marks
