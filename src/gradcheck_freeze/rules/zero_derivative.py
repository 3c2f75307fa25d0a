"""Which ops have a derivative of zero, and which line made it so where that is another than the op's own."""

from __future__ import annotations

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Location
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.trace.record import NONE, REQUIRES_GRAD

STEPWISE = frozenset(
    {"round", "sign", "sgn", "floor", "ceil", "trunc", "fix", "heaviside", "round_", "sign_", "floor_divide"}
)
_DIFFERENCE = frozenset({"sub", "__sub__", "__rsub__", "rsub"})
_FLAT_AT_ZERO = frozenset({"pow", "__pow__", "square", "abs", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})


def what_made_it_zero(case: Case, op: int, name: str) -> Location | None:
    """Return the line that made the derivative of an op zero, where it is another than that of the op."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
    before = values.op[read[0]] if read else NONE
    if name in STEPWISE:
        taken = [
            o for o in _reading(case, ops.outputs[ops.first_output[op]], read[0]) if _named(case, o) in _DIFFERENCE
        ]
        added = [o for t in taken for o in _reading(case, ops.outputs[ops.first_output[t]], read[0])]
        return place(trace, ops.site[added[0]], "straight-through") if added else None
    if before == NONE:
        return None
    factors = ops.inputs[ops.first_input[before] : ops.first_input[before + 1]]
    if name in _FLAT_AT_ZERO and _named(case, before) in ("mul", "__mul__") and len(factors) == 2:
        masks = [v for v in factors if not values.flags[v] & REQUIRES_GRAD]
        return place(trace, ops.site[before], "mask") if masks else None
    if name in ("relu", "relu_"):
        filled = [
            made
            for v in factors
            for made in (values.op[w] for w in range(len(values)) if values.tensor[w] == values.tensor[v] != NONE)
            if made != NONE and _named(case, made) in ("fill_", "constant_")
        ]
        return place(trace, ops.site[filled[-1]], "initial value") if filled else None
    return None


def _named(case: Case, op: int) -> str:
    return case.flow.trace.op_names[case.flow.trace.ops.name[op]]


def _reading(case: Case, *wanted: int) -> list[int]:
    """Return the ops that read all of these values."""
    ops = case.flow.trace.ops
    return [
        op for op in range(len(ops)) if set(wanted) <= set(ops.inputs[ops.first_input[op] : ops.first_input[op + 1]])
    ]
