"""What the program itself does with `.grad`, by the ops that read it, write it and set it to zero."""

from __future__ import annotations

from gradcheck_freeze.trace.record import Trace

READ, WRITTEN, ZEROED = "read", "written", "zeroed"
Event = tuple[int, str]  # the op, and what it does

_ALIASING = frozenset({"data", "detach", "detach_", "requires_grad_"})  # the same gradient under another object
_ZEROING = frozenset({"zero_", "_foreach_zero_"})


def events(trace: Trace) -> dict[int, list[Event]]:
    """Return, for each tensor, what the user's code did with its `.grad`, in the order of time."""
    found: dict[int, list[Event]] = {}
    for zeroing in trace.zeroings:
        for tensor in zeroing.tensors:
            found.setdefault(tensor, []).append((zeroing.after, ZEROED))
    owner = dict(trace.gradient_of)
    ops = trace.ops
    for op in range(len(ops)) if owner else ():
        read = {owner[v] for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]] if v in owner}
        if not read:
            continue
        name = trace.op_names[ops.name[op]]
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        if name in _ALIASING:
            for value in made:
                owner[value] = min(read)
            continue
        written = {owner[v] for v in made if v in owner}
        for tensor in read:
            what = ZEROED if name in _ZEROING else WRITTEN if tensor in written else READ
            found.setdefault(tensor, []).append((op, what))
    for seen in found.values():
        seen.sort()
    return found
