"""In which mode, train or eval, each module was on the way to a loss."""

from __future__ import annotations

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.trace.record import NONE


def modes_on_the_way(case: Case) -> dict[int, bool]:
    """Return, for each module called on the way to a loss, whether it was in train mode in any such call."""
    trace = case.flow.trace
    modes: dict[int, bool] = {}
    ops = trace.ops
    used = set()
    for op in range(len(ops)):
        call = ops.call[op]
        if call not in used and any(
            case.flow.gradient[v] for v in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        ):
            used.add(call)
    for call in used:
        outer = call
        while outer != NONE:
            module = trace.calls[outer].module
            if module != NONE:
                modes[module] = modes.get(module, False) or trace.calls[outer].training
            outer = trace.calls[outer].parent
    return modes
