"""What the four rules about cut paths share: one finding per cut, with the trail to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gradcheck_freeze.flow.frontier import Cut
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location
from gradcheck_freeze.rules.places import cover, place, trail
from gradcheck_freeze.rules.rule import Rule
from gradcheck_freeze.trace.record import LEAF, NONE, REQUIRES_GRAD


def op_name(case: Case, op: int) -> str:
    """Return the name of an op as a reader writes it."""
    name = case.flow.trace.op_names[case.flow.trace.ops.name[op]]
    return {"__getitem__": "indexing", "__array__": "numpy", "__float__": "float", "__int__": "int"}.get(name, name)


def loss_of(case: Case, tensors: tuple[int, ...], cut: Cut) -> int:
    """Return the first loss that depends on the cut."""
    mask = 0
    for edge in cut.edges:
        mask |= case.flow.data[edge.result]
    for tensor in tensors:
        mask = mask or case.flow.tensors[tensor].data
    return (mask & -mask).bit_length() - 1 if mask else 0


def findings(
    rule: Rule,
    case: Case,
    wanted: Callable[[Cut], bool],
    explain: Callable[[Cut, str], tuple[str, str]],
    *,
    by_mode: bool = False,
    cause: Callable[[Cut], Location | None] = lambda cut: None,
) -> Iterator[Finding]:
    """Yield one finding for every wanted cut: `explain` gives the message and the fix for it and its loss.

    The line to blame is the `cause`, where it gives one, or else that of the cut.
    """
    trace = case.flow.trace
    groups: dict[int, list[int]] = {}
    held: dict[int, Cut] = {}
    for tensor, cut in sorted(case.cut.items()):
        if wanted(cut) and tensor not in case.choosing:  # those are told by off-the-loss-path
            # One `with` block or one line is one fault, however many ops it severs.
            mode_site = trace.ops.mode_site.get(cut.op, NONE)
            key = mode_site if by_mode and mode_site != NONE else -2 - trace.ops.site[cut.op]
            groups.setdefault(key, []).append(tensor)
            held.setdefault(key, cut)
    for key, tensors in groups.items():
        cut = held[key]
        loss = loss_of(case, tuple(tensors), cut)
        message, fix = explain(cut, case.flow.losses[loss].name)
        if filled := filled_through(case, cut):
            message = (
                f"{{where}} gets no gradient from {case.flow.losses[loss].name}: what it computes is written into "
                f"{cover(trace, filled)}, and writing over the numbers of a parameter passes no gradient on."
            )
            fix = "Compute with the values instead of storing them: torch.func.functional_call(module, values, inputs)."
        blamed = cause(cut) or cause_of(case, cut, by_mode=by_mode)
        if inside := library_module(case, cut, by_mode=by_mode):
            message = f"{message.removesuffix('.')}, in {inside}."
        yield rule.finding(
            case.flow,
            tensors,
            message,
            blamed,
            trail=trail(case.flow, loss, blamed, cut.edges[0].source, cut.op),
            fix=fix,
        )


def filled_through(case: Case, cut: Cut) -> set[int]:
    """Return the parameters into which what is computed before a cut was written, to compute with them afterwards."""
    trace = case.flow.trace
    ops, flags, owner = trace.ops, trace.values.flags, trace.values.tensor
    results = {edge.result for edge in cut.edges if not flags[edge.source] & LEAF}
    filled: set[int] = set()
    for op in range(cut.op, len(ops) if results else 0):
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        if results.isdisjoint(ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]) and results.isdisjoint(made):
            continue
        parameters = {owner[v] for v in made if case.flow.data[v]} - {NONE}
        if parameters:
            filled.update(t for t in parameters if trace.tensors[t].kind == "parameter")
        else:
            results.update(v for v in made if case.flow.data[v] and not flags[v] & REQUIRES_GRAD)
    return filled


def cause_of(case: Case, cut: Cut, *, by_mode: bool = False) -> Location | None:
    """Return the line of the cut: the severing call, or the `with` around it."""
    trace = case.flow.trace
    if by_mode and cut.op in trace.ops.mode_site:
        return place(trace, trace.ops.mode_site[cut.op], "no_grad")
    return place(trace, trace.ops.site[cut.op], op_name(case, cut.op))


def library_module(case: Case, cut: Cut, *, by_mode: bool = False) -> str:
    """Return the module in whose forward a cut lies, if that forward is no code of the user's."""
    trace = case.flow.trace
    site, call = trace.ops.site[cut.op], trace.ops.call[cut.op]
    if call == NONE or site == NONE or trace.calls[call].site != site:
        return ""
    if by_mode and trace.ops.mode_site.get(cut.op, site) != site:
        return ""
    module = trace.calls[call].module
    return trace.modules[module].name if module != NONE else ""
