"""GF209."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.flow.frontier import path
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place, trail
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.source import last_return, method_return
from gradcheck_freeze.rules.zero_derivative import STEPWISE, what_made_it_zero
from gradcheck_freeze.trace.record import GRAD, NONE, REQUIRES_GRAD

_FILLING = frozenset({"zero_", "fill_", "constant_", "mul_", "copy_"})  # in-place ops that may leave nothing but zeros
_SATURATING = frozenset(
    {
        "relu",
        "relu_",
        "clamp",
        "clamp_",
        "clip",
        "hardtanh",
        "hardsigmoid",
        "threshold",
        "relu6",
        "softmax",
        "log_softmax",
        "masked_fill",
        "where",
        "max",
        "min",
        "maximum",
        "minimum",
        "sigmoid",
        "tanh",
    }
)


@rule("GF209", kind="blockage", severity=Severity.ERROR)
def gradient_always_zero(case: Case) -> Iterator[Finding]:
    """A trainable parameter gets a gradient, but in every step all of it is zero.

    Why it matters: the graph is whole, so nothing complains, and the parameter never learns. `round` and `sign` have zero
    derivative everywhere; a dead ReLU, a clamp outside its range or a softmax over one element have it here.

    Found:

        code = torch.round(encoder(x))

    Left alone: a gradient that is zero in the first step only (LoRA's A factor while B is zero), and parameters seen
    in fewer than two steps.

    Instead: a straight-through estimator, `x + (torch.round(x) - x).detach()`, or another range.
    """
    trace = case.flow.trace
    groups: dict[tuple[Location | None, str], list[int]] = {}
    starts: dict[tuple[Location | None, str], tuple[int, int]] = {}
    for tensor in sorted(case.intent.learn):
        states = [trace.steps[s].gradients[tensor].state for s in case.flow.tensors[tensor].steps]
        if not case.flow.tensors[tensor].received or states.count("zero") < 2 or set(states) - {"zero", "none"}:
            continue
        if trace.gradients[tensor].state not in ("zero", "none"):
            continue  # zeroed after a backward: told by step-without-effect
        value, op = _where_it_dies(case, tensor)
        name = trace.op_names[trace.ops.name[op]] if op != NONE else ""
        key = (_cause(case, tensor, op, name), name)
        groups.setdefault(key, []).append(tensor)
        starts.setdefault(key, (value, op))
    _join_what_they_feed(case, groups, starts)
    masked = {masking.tensor for masking in trace.maskings if masking.whole}
    for (cause, name), tensors in groups.items():
        if not name or (not masked & set(tensors) and all(_beside_a_learner(case, tensor) for tensor in tensors)):
            continue  # a bias that cancels out of a difference or before a normalisation: nothing is lost
        value, op = starts[cause, name]
        loss = max(case.flow.tensors[tensors[0]].received.bit_length() - 1, 0)
        seen = "passes back zero" if name in STEPWISE or value in trace.at_values else "most likely passes back zero"
        why = "a hook on it returns zeros" if masked & set(tensors) else f"{name}() {seen}"
        yield gradient_always_zero.finding(
            case.flow,
            tensors,
            f"{{where}} gets a gradient of exact zeros in every step: {why}.",
            cause,
            trail=trail(case.flow, loss, cause, value, op),
            fix=_fix(name),
        )


def _join_what_they_feed(
    case: Case,
    groups: dict[tuple[Location | None, str], list[int]],
    starts: dict[tuple[Location | None, str], tuple[int, int]],
) -> None:
    """Put a weight that gets zeros because its input is all zero to the dead activation which gives that input."""
    ops = case.flow.trace.ops
    dead = {
        value: key
        for key, (_, op) in starts.items()
        if key[1] in _SATURATING
        for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
    }
    for key, (_, op) in list(starts.items()):
        if op == NONE or key[1] in _SATURATING:
            continue
        feeding = [dead[v] for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]] if v in dead]
        if feeding:
            groups[feeding[0]] += groups.pop(key)
            del starts[key]


def _fix(name: str) -> str:
    if name in STEPWISE:
        return "Use a straight-through estimator, x + (op(x) - x).detach(), or a soft version of it."
    return "Keep the input where the derivative is not zero: check initial values, masks, ranges and the dimension it works on."


def _cause(case: Case, tensor: int, op: int, name: str) -> Location | None:
    """Return the line to blame: the hook, the op at which the gradient dies, or what makes its other factor zero."""
    trace = case.flow.trace
    for masking in trace.maskings:
        if masking.tensor == tensor and masking.whole:
            return last_return(trace, masking.site, "hook")
    if op == NONE:
        return None
    ops = trace.ops
    made = what_made_it_zero(case, op, name)
    if made is not None:
        return made
    factors = [trace.values.tensor[v] for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]]
    zero = [t for t in factors if t != NONE and _all_zero(case, t) and trace.tensors[t].declared != NONE]
    if zero and _all_zero(case, tensor):  # two factors that are zero keep each other there
        values = trace.values
        filled = [values.op[v] for v in range(len(values)) if values.tensor[v] == zero[0] and values.op[v] != NONE]
        own = [o for o in filled if trace.op_names[ops.name[o]] in _FILLING and o < op and ops.site[o] != NONE]
        return place(trace, ops.site[own[-1]] if own else trace.tensors[zero[0]].declared, "zero")
    classes = method_return(trace, f"{name}.backward")
    return classes or place(trace, ops.site[op], name)


def _all_zero(case: Case, tensor: int) -> bool:
    states = [case.flow.trace.steps[s].gradients[tensor].state for s in case.flow.tensors[tensor].steps]
    return bool(states) and not set(states) - {"zero", "none"}


def _beside_a_learner(case: Case, tensor: int) -> bool:
    """Return whether another parameter of the same module gets a gradient that is not zero."""
    trace = case.flow.trace
    module = trace.tensors[tensor].module
    return any(
        other.module == module and t in trace.gradients and trace.gradients[t].state == "finite"
        for t, other in enumerate(trace.tensors)
        if t != tensor
    )


def _writes(case: Case, op: int, tensor: int) -> bool:
    """Return whether an op makes a new version of the tensor: its initialisation, say."""
    ops, owner = case.flow.trace.ops, case.flow.trace.values.tensor
    return any(owner[value] == tensor for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]])


def _where_it_dies(case: Case, tensor: int) -> tuple[int, int]:
    """Return a value of the tensor and the op on its way to a loss at which the gradient becomes zero.

    Where the gradient of every value was watched that op is known; else it is the likeliest by its name.
    """
    trace = case.flow.trace
    values, ops, seen = trace.values, trace.ops, trace.at_values
    readers = _readers(case)
    pending = [v for v in range(len(values)) if values.tensor[v] == tensor and v in readers][::-1]
    visited: set[int] = set()
    while pending:
        value = pending.pop(0)
        if value in visited:
            continue
        visited.add(value)
        for op in readers.get(value, ()):
            for made in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]:
                if seen.get(made) in ("finite", "nonfinite"):
                    return value, op
                if seen.get(made) == "zero":
                    pending.append(made)
    return _likeliest(case, tensor)


def _readers(case: Case) -> dict[int, list[int]]:
    """Return, for each value that an op watched deeply reads, those ops."""
    ops, seen = case.flow.trace.ops, case.flow.trace.at_values
    readers: dict[int, list[int]] = {}
    for op in range(len(ops)) if seen else ():
        if any(v in seen for v in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]):
            for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
                readers.setdefault(value, []).append(op)
    return readers


def _likeliest(case: Case, tensor: int) -> tuple[int, int]:
    trace = case.flow.trace
    values, ops = trace.values, trace.ops
    for value in range(len(values)):
        if values.tensor[value] != tensor or not values.flags[value] & REQUIRES_GRAD or not case.flow.gradient[value]:
            continue
        loss = (case.flow.gradient[value] & -case.flow.gradient[value]).bit_length() - 1
        way = [op for op in path(case.flow, value, loss) if ops.mode[op] == GRAD and not _writes(case, op, tensor)]
        for kinds in (STEPWISE, _SATURATING):
            for op in way:
                if trace.op_names[ops.name[op]] in kinds:
                    return value, op
        return value, way[0] if way else NONE
    return NONE, NONE
