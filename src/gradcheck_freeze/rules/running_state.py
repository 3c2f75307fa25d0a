"""Which buffers a module goes on making of what they were: running averages, ranges, the vectors of a power iteration.

A frozen network that writes down something else as it runs is no fault: calls counted, a cache of keys and values, a queue of
features, the potentials of a spiking network. Those are written anew, or hold what came in as it was: nothing was reduced over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

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
_CHOICES = {"where", "minimum", "maximum", "min", "max", "clamp", "sqrt", "rsqrt", "square", "pow", "abs"}
_SHAPES = {"clone", "detach", "data", "to", "float", "double", "type_as", "view", "reshape", "unsqueeze", "squeeze"}
_ARITHMETIC = frozenset(_SUMS | _CHOICES | _SHAPES | {"__getitem__"})
_REDUCING = frozenset(
    {"mean", "var", "std", "var_mean", "std_mean", "sum", "amin", "amax", "aminmax", "min", "max", "quantile", "median"}
    | {"norm", "vector_norm", "linalg_norm", "linalg_vector_norm", "bincount", "histc", "index_add_", "scatter_add_"}
)
_MOVING = frozenset({"add_", "sub_", "mul_", "div_", "lerp_", "addcmul_", "addcdiv_", "index_add_", "scatter_add_"})
_ANEW = frozenset({"__setitem__", "copy_"})
_MOST = 200  # values looked at on the way back from one write


def running(case: Case, buffers: Collection[int]) -> frozenset[int]:
    """Return those of these buffers, which the program writes, that it makes of what they were before.

    Where no op was seen to write, torch's own did, as batch_norm. A counter counts among them with what it counts for.
    """
    tensors = case.flow.trace.tensors
    bearers = rebound(case) if buffers else {}
    bearing = {b: bearers.get(b, [b]) for b in buffers}
    writers = _writers(case, bearing)
    together: dict[int, set[int]] = {}
    for buffer in buffers:
        together.setdefault(tensors[buffer].module, set()).add(buffer)
    found: set[int] = set()
    for module, here in together.items():
        numbers = {b for b in here if "float" in tensors[b].dtype or "complex" in tensors[b].dtype}
        told = _running_in(case, module, {b: bearing[b] for b in numbers}, writers)
        found |= here - numbers | told if told else set()
    return frozenset(found)


def rebound(case: Case) -> dict[int, list[int]]:
    """Return the buffers to which an assignment gave another tensor, each with all the tensors that bore its name."""
    trace = case.flow.trace
    bearers: dict[tuple[str, int], list[int]] = {}
    for tensor, record in enumerate(trace.tensors):
        if record.kind == "buffer" and record.module != NONE:
            bearers.setdefault((record.names[0], record.module), []).append(tensor)
    return {tensors[0]: tensors for tensors in bearers.values() if len(tensors) > 1}


def _running_in(
    case: Case, module: int, bearing: Mapping[int, list[int]], writers: Mapping[int, list[int]]
) -> set[int]:
    """Return those of some buffers of one module, each with the tensors that bore its name, that are running numbers."""
    state = {tensor for tensors in bearing.values() for tensor in tensors}
    around = set(case.around(module))
    inside = {b: [op for op in writers[b] if _is_inside(case, op, around)] for b in bearing}
    matter = {b for b in bearing if _matters(case, bearing[b], writers[b])}
    told = {b for b in matter if not writers[b] or _of_its_own(case, inside[b], state)}
    moved = {b for b in matter if _goes_on(case, inside[b], state)}
    if any(_reduces(case, op) for b in moved for op in inside[b]):
        told |= moved
    return told


def _writers(case: Case, bearing: Mapping[int, list[int]]) -> dict[int, list[int]]:
    """Return the ops that wrote each buffer once anything was frozen: a calibration comes before that."""
    trace = case.flow.trace
    first = min(case.intent.frozen_since.values(), default=0)
    buffer_of = {tensor: buffer for buffer, tensors in bearing.items() for tensor in tensors}
    found: dict[int, list[int]] = {buffer: [] for buffer in bearing}
    for tensor, op in zip(trace.values.tensor, trace.values.op, strict=True) if bearing else ():
        if op >= first and tensor in buffer_of:
            found[buffer_of[tensor]].append(op)
    return found


def _is_inside(case: Case, op: int, modules: set[int]) -> bool:
    """Return whether an op ran in a call of one of these modules, or below one: what the training loop writes is meant."""
    trace = case.flow.trace
    call = trace.ops.call[op]
    while call != NONE:
        if trace.calls[call].module in modules:
            return True
        call = trace.calls[call].parent
    return False


def _matters(case: Case, bearing: Collection[int], writers: Collection[int]) -> bool:
    """Return whether a loss depends on a buffer, or would in eval mode: a sum that is only kept to be looked at does not."""
    trace = case.flow.trace
    if any(case.flow.tensors[t].data for t in bearing) or not writers:
        return True
    calls = {trace.ops.call[op] for op in writers} - {NONE}
    return max(trace.tensors[t].numel for t in bearing) > 1 and any(trace.calls[call].training for call in calls)


def _goes_on(case: Case, writers: Collection[int], state: Collection[int]) -> bool:
    """Return whether a buffer is moved on, by sums and products, from what it was, towards what comes from elsewhere."""
    trace = case.flow.trace
    names = {op: trace.op_names[trace.ops.name[op]] for op in writers}
    if any(len(_inputs(trace, op)) > 1 for op in writers if names[op] in _MOVING):
        return True
    anew = [op for op in writers if names[op] in _ANEW or not names[op].endswith("_")]
    return any(trace.values.tensor[v] in state for op in anew for v in _computed_from(trace, op))


def _reduces(case: Case, write: int) -> bool:
    """Return whether what is written comes, by arithmetic alone, from a reduction: the mean of a batch, its largest value."""
    trace = case.flow.trace
    if trace.op_names[trace.ops.name[write]] in _REDUCING:
        return True
    made = (trace.values.op[v] for v in _computed_from(trace, write) if trace.values.tensor[v] == NONE)
    return any(
        op != NONE and trace.op_names[trace.ops.name[op]] in _REDUCING and len(_inputs(trace, op)) == 1 for op in made
    )


def _computed_from(trace: Trace, write: int) -> Iterator[int]:
    """Yield the values that a write is computed from by arithmetic alone, other than what it writes over."""
    over = {trace.values.tensor[v] for v in _outputs(trace, write)} - {NONE}
    waiting = [v for v in _inputs(trace, write) if trace.values.tensor[v] not in over]
    for _ in range(_MOST):
        if not waiting:
            return
        value = waiting.pop()
        yield value
        op = trace.values.op[value]
        if trace.values.tensor[value] == NONE and op != NONE and trace.op_names[trace.ops.name[op]] in _ARITHMETIC:
            waiting.extend(_inputs(trace, op))


def _of_its_own(case: Case, writers: Collection[int], state: Collection[int]) -> bool:
    """Return whether a buffer is made of buffers that are written and of parameters, and of no input: a power iteration."""
    trace = case.flow.trace
    reached = False
    for write in writers:
        over = {trace.values.tensor[v] for v in _outputs(trace, write)} - {NONE}
        waiting = [v for v in _inputs(trace, write) if trace.values.tensor[v] not in over]
        for _ in range(_MOST):
            if not waiting:
                break
            value = waiting.pop()
            owner, op = trace.values.tensor[value], trace.values.op[value]
            if owner == NONE and (op == NONE or not _inputs(trace, op)):
                return False
            reached = reached or owner in state
            if owner == NONE:
                waiting.extend(_inputs(trace, op))
        if waiting:
            return False
    return reached


def _inputs(trace: Trace, op: int) -> list[int]:
    return list(trace.ops.inputs[trace.ops.first_input[op] : trace.ops.first_input[op + 1]])


def _outputs(trace: Trace, op: int) -> list[int]:
    return list(trace.ops.outputs[trace.ops.first_output[op] : trace.ops.first_output[op + 1]])
