"""Which buffers a module goes on making of what they were: running averages, ranges, the vectors of a power iteration.

A frozen network that writes down something else as it runs is no fault: calls counted, a cache of keys and values, a queue of
features, the state of a recurrent network. Those are written anew, or go through the weights together with an input.
"""

from __future__ import annotations

from collections.abc import Collection

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.trace.record import NONE, Trace

_SUMS = {
    "add",
    "sub",
    "rsub",
    "mul",
    "div",
    "true_divide",
    "neg",
    "lerp",
    "addcmul",
    "addcdiv",
    "index_add",
    "scatter_add",
}
_CHOICES = {"where", "minimum", "maximum", "min", "max", "clamp", "sqrt", "rsqrt", "square", "pow"}
_SHAPES = {"clone", "detach", "data", "to", "float", "double", "type_as", "view", "reshape", "unsqueeze", "squeeze"}
_ARITHMETIC = frozenset(_SUMS | _CHOICES | _SHAPES | {"__getitem__"})
_MOVING = frozenset({"add_", "sub_", "mul_", "div_", "lerp_", "addcmul_", "addcdiv_", "index_add_", "scatter_add_"})
_ANEW = frozenset({"__setitem__", "copy_"})
_MOST = 200  # values looked at on the way back from one write


def running(case: Case, buffers: Collection[int]) -> frozenset[int]:
    """Return those of these buffers, which the program writes, that it makes of what they were before.

    Where no op was seen to write, torch's own did, as batch_norm. A counter counts among them with what it counts for.
    """
    tensors = case.flow.trace.tensors
    writers = _writers(case, buffers)
    together: dict[int, set[int]] = {}
    for buffer in buffers:
        together.setdefault(tensors[buffer].module, set()).add(buffer)
    found: set[int] = set()
    for module, here in together.items():
        around = set(case.around(module))
        inside = {b: [op for op in writers[b] if _is_inside(case, op, around)] for b in here}
        numbers = {b for b in here if "float" in tensors[b].dtype or "complex" in tensors[b].dtype}
        plain = {b for b in numbers if _goes_on(case, b, inside[b], numbers)}
        told = {b for b in numbers if _matters(case, b, writers[b]) and (b in plain or not writers[b])}
        told |= {
            b for b in numbers - told if _matters(case, b, writers[b]) and _of_its_own(case, b, inside[b], numbers)
        }
        found |= here - numbers | told if told else set()
    return frozenset(found)


def _writers(case: Case, buffers: Collection[int]) -> dict[int, list[int]]:
    """Return the ops that wrote into each buffer once anything was frozen: a calibration comes before that."""
    trace = case.flow.trace
    first = min(case.intent.frozen_since.values(), default=0)
    wanted: dict[int, list[int]] = {buffer: [] for buffer in buffers}
    for tensor, op in zip(trace.values.tensor, trace.values.op, strict=True):
        if tensor in wanted and op != NONE and op >= first:
            wanted[tensor].append(op)
    return wanted


def _is_inside(case: Case, op: int, modules: set[int]) -> bool:
    """Return whether an op ran in a call of one of these modules, or below one: what the training loop writes is meant."""
    trace = case.flow.trace
    call = trace.ops.call[op]
    while call != NONE:
        if trace.calls[call].module in modules:
            return True
        call = trace.calls[call].parent
    return False


def _matters(case: Case, buffer: int, writers: Collection[int]) -> bool:
    """Return whether a loss depends on a buffer, or would in eval mode: a sum that is only kept to be looked at does not."""
    trace = case.flow.trace
    if case.flow.tensors[buffer].data or not writers:
        return True
    calls = {trace.ops.call[op] for op in writers} - {NONE}
    return trace.tensors[buffer].numel > 1 and any(trace.calls[call].training for call in calls)


def _goes_on(case: Case, buffer: int, writers: Collection[int], state: Collection[int]) -> bool:
    """Return whether a buffer is moved on, by sums and products, from what it was, towards what comes from elsewhere."""
    trace = case.flow.trace
    names = {op: trace.op_names[trace.ops.name[op]] for op in writers}
    moved = [op for op in writers if names[op] in _MOVING]
    if any(len(_inputs(trace, op)) > 1 for op in moved):
        return True
    return any(_comes_from(case, op, buffer, state) for op in writers if names[op] in _ANEW)


def _comes_from(case: Case, write: int, buffer: int, state: Collection[int]) -> bool:
    """Return whether what is written is computed by arithmetic alone from running numbers, and from something else too."""
    trace = case.flow.trace
    reached, seen = False, 0
    waiting = [v for v in _inputs(trace, write) if trace.values.tensor[v] != buffer]
    while waiting and seen < _MOST:
        value, seen = waiting.pop(), seen + 1
        op = trace.values.op[value]
        reached = reached or trace.values.tensor[value] in state
        if trace.values.tensor[value] == NONE and op != NONE and trace.op_names[trace.ops.name[op]] in _ARITHMETIC:
            waiting.extend(_inputs(trace, op))
    return reached


def _of_its_own(case: Case, buffer: int, writers: Collection[int], state: Collection[int]) -> bool:
    """Return whether a buffer is made of buffers that are written and of parameters, and of no input: a power iteration."""
    trace = case.flow.trace
    for write in writers:
        reached, seen = False, 0
        waiting = [v for v in _inputs(trace, write) if trace.values.tensor[v] != buffer]
        while waiting and seen < _MOST:
            value, seen = waiting.pop(), seen + 1
            owner, op = trace.values.tensor[value], trace.values.op[value]
            if owner == NONE and (op == NONE or not _inputs(trace, op)):
                break
            reached = reached or owner in state
            if owner == NONE:
                waiting.extend(_inputs(trace, op))
        else:
            if reached and not waiting:
                return True
    return False


def _inputs(trace: Trace, op: int) -> list[int]:
    return list(trace.ops.inputs[trace.ops.first_input[op] : trace.ops.first_input[op + 1]])
