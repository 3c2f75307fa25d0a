"""Finds networks that only choose what another one, built alike, learns from, and that have no loss of their own.

Of two peers each may choose the examples for the other; a coarse network may tell a fine one where to look. That no gradient
comes back through the choice is meant then, and written down: the network learns from a loss of its own, which is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.flow.frontier import Cut
from gradcheck_freeze.rules.blame import DETACHING
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.dropped import assigned_name, words
from gradcheck_freeze.rules.finding import Location
from gradcheck_freeze.rules.forgotten import REDUCING
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.syntax import around
from gradcheck_freeze.trace.record import DIFFERENTIABLE, INFERENCE, NO_GRAD, NONE, REQUIRES_GRAD

_ONE_LAYER = 2  # parameters; two layers of one size are no peers


def only_choosing(case: Case) -> dict[int, tuple[str, Location | None]]:
    """Return the tensors of such networks, with the name of the one that learns and the line of the loss to blame."""
    found: dict[int, tuple[str, Location | None]] = {}
    ops = case.flow.trace.ops
    behind: dict[int, tuple[Cut, set[int]]] = {}  # the cuts of one `with` block, or one line, are one
    for tensor, cut in case.cut.items():
        key = ops.mode_site.get(cut.op, ops.site[cut.op])
        behind.setdefault(key, (cut, set()))[1].add(tensor)
    held = _held(case) if behind else {}
    for cut, starved in behind.values():
        twins = list(_twins(case, held, starved))
        if twins and _is_a_choice(case, cut):
            for module, twin in twins:
                reason = twin, _loss_of_its_own(case, case.flow.trace.modules[module].name)
                found.update(dict.fromkeys(held[module], reason))
    return found


def _held(case: Case) -> dict[int, set[int]]:
    """Return the parameters of every module and of all that is below it."""
    held: dict[int, set[int]] = {}
    for tensor, record in enumerate(case.flow.trace.tensors):
        for module in case.around(record.module) if record.kind == "parameter" else ():
            held.setdefault(module, set()).add(tensor)
    return held


def _twins(case: Case, held: dict[int, set[int]], starved: set[int]) -> Iterator[tuple[int, str]]:
    """Yield the networks of which nothing learns, each with the name of another that has the same parameters and learns."""
    trace = case.flow.trace
    idle = {number for number, below in held.items() if len(below) > _ONE_LAYER and below <= starved}
    idle = {number for number in idle if trace.modules[number].parent not in idle}
    kinds: dict[tuple[object, ...], str] = {}
    for number, below in held.items() if idle else ():
        if all(t in case.intent.learn and case.flow.tensors[t].received for t in below):
            kinds.setdefault(_kind(case, number, below), trace.modules[number].name)
    for number in sorted(idle):
        if (kind := _kind(case, number, held[number])) in kinds:
            yield number, kinds[kind]


def _kind(case: Case, module: int, below: set[int]) -> tuple[object, ...]:
    """Return what two networks that were built alike have in common: the names and shapes of their parameters."""
    trace = case.flow.trace
    start = len(trace.modules[module].name) + 1
    return tuple(sorted((trace.tensors[t].names[0][start:], trace.tensors[t].shape) for t in below))


def _is_a_choice(case: Case, cut: Cut) -> bool:
    """Return whether what goes through a cut comes to indices or masks, and somebody says that no gradient is to come back."""
    trace = case.flow.trace
    ops, flags = trace.ops, trace.values.flags
    constant = {edge.result for edge in cut.edges}
    read_from = {edge.source for edge in cut.edges}
    stopped = chosen = False
    for op in range(cut.op, len(ops)):
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        if constant.isdisjoint(made) and constant.isdisjoint(read):
            continue
        stopped = stopped or ops.mode[op] in (NO_GRAD, INFERENCE) or trace.op_names[ops.name[op]] in DETACHING
        given = [v for v in made if case.flow.data[v] and not flags[v] & REQUIRES_GRAD]
        differentiable = any(flags[v] & DIFFERENTIABLE for v in read if v in constant or v in read_from)
        chosen = chosen or (differentiable and any(not flags[v] & DIFFERENTIABLE for v in given))
        constant.update(given)
    return stopped and chosen


def _loss_of_its_own(case: Case, module: str) -> Location | None:
    """Return the line of the term that goes by the name of a network, of several; or the only one."""
    trace = case.flow.trace
    ops = trace.ops
    terms: dict[tuple[str, int], Location] = {}
    pending = list(trace.backwards[0].roots) if trace.backwards else []
    seen = set(pending)
    while pending:
        op = trace.values.op[pending.pop()]
        if op == NONE or ops.site[op] == NONE:
            continue
        if trace.op_names[ops.name[op]] in REDUCING:
            where = place(trace, ops.site[op], trace.op_names[ops.name[op]])
            if where is not None:
                terms[trace.sites[ops.site[op]].path, where.line] = where
            continue
        read = {v for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]] if case.flow.gradient[v]} - seen
        seen |= read
        pending.extend(read)
    if len(terms) > 1:
        own = words(module.rpartition(".")[2])
        terms = {at: where for at, where in terms.items() if own & words(_name(*at))}
    return next(iter(terms.values())) if len(terms) == 1 else None


def _name(path: str, line: int) -> str:
    held = around(path, line)
    return (assigned_name(held[-1]) if held else None) or ""
