"""Parts of a model that their author uses for features only: in eval mode and without gradient, while the rest trains.

`eval()` and `no_grad` together are how many freeze a backbone, and then give the optimizer the parameters of the whole model.
Not so read: a part that is in train mode (the block is too long), one that an optimizer was given by itself or whose flag was
set to learn, and a model that is in eval mode throughout, as a validation may have left it.
"""

from __future__ import annotations

from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.trace.record import GRAD, NONE, Trace


def features_only(flow: FlowGraph) -> set[int]:
    """Return the parameters of such parts."""
    trace = flow.trace
    wanted = {t for d in trace.declarations if d.kind == "requires_grad" and d.value for t in d.tensors}
    unfed = {
        t
        for t, tensor in enumerate(flow.tensors)
        if tensor.data and tensor.optimizers and not (tensor.gradient or tensor.received) and t not in wanted
    }
    if not unfed:
        return set()
    training, resting = _modes(trace)
    learning = {t for t in training if flow.tensors[t].received}
    beside: dict[int, set[tuple[int, int, int]]] = {}  # tensor → its root and each group that holds it
    for t in unfed | learning:
        beside[t] = {(_root(trace, t), *group) for group in flow.tensors[t].optimizers}
    taught = set().union(*(beside[t] for t in learning))
    return {t for t in unfed & resting - training if beside[t] <= taught}


def _modes(trace: Trace) -> tuple[set[int], set[int]]:
    """Return what is read in train mode or with gradient, and what is read in eval mode without, in calls of modules."""
    ops, owner = trace.ops, trace.values.tensor
    training: set[int] = set()
    resting: set[int] = set()
    for op in range(len(ops)):
        if (call := ops.call[op]) == NONE:
            continue
        awake = trace.calls[call].training or ops.mode[op] == GRAD
        read = {owner[value] for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]}
        (training if awake else resting).update(read)
    return training, resting


def _root(trace: Trace, tensor: int) -> int:
    """Return the outermost module that holds a tensor."""
    module = trace.tensors[tensor].module
    while module != NONE and trace.modules[module].parent != NONE:
        module = trace.modules[module].parent
    return module
