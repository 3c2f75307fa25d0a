"""Who was taught by which loss: what the rules on steps and losses share."""

from __future__ import annotations

import re
from collections.abc import Collection

from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Location
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.trace.record import NONE, REQUIRES_GRAD

_COMMON = {"loss", "opt", "optim", "optimizer", "optimiser", "err", "error", "solver", "total", "self", "step"}


def losses_by_backward(flow: FlowGraph) -> dict[int, int]:
    """Return the number of the loss of every backward call."""
    return {backward: number for number, loss in enumerate(flow.losses) for backward in loss.backwards}


def held_by(case: Case, optimizer: int) -> frozenset[int]:
    """Return the tensors in the groups of an optimizer."""
    return frozenset(t for group in case.flow.trace.optimizers[optimizer].groups for t in group.tensors)


def own_losses(case: Case) -> dict[int, int]:
    """Return, for losses whose author pairs them with an optimizer one to one, the optimizer of each.

    They are paired by name (`errD` and `optD`, `actor_loss` and `actor_opt`).
    """
    flow = case.flow
    stepping = sorted({step.optimizer for step in flow.trace.steps})
    if len(stepping) < 2 or len(flow.losses) < 2:
        return {}
    tokens = {o: _tokens(flow.trace.optimizers[o].name) for o in stepping}
    pairs: dict[int, int] = {}
    for number, loss in enumerate(flow.losses):
        fitting = [o for o in stepping if _tokens(loss.name) & tokens[o]]
        if len(fitting) == 1:
            pairs[number] = fitting[0]
    return pairs if len(set(pairs.values())) > 1 else {}


def _tokens(name: str) -> frozenset[str]:
    """Return the parts of a name that tell it from others of its kind, `D` of `errD`, `actor` of `self.actor_opt`."""
    last = name.rpartition(".")[2]
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", last)
    found = {part.lower() for part in parts} - _COMMON
    return frozenset(found | {short for part in found for short, long in _SHORT if part == long})


_SHORT = (("d", "disc"), ("d", "discriminator"), ("g", "gen"), ("g", "generator"))


def passes_through(flow: FlowGraph, before: Collection[int], after: Collection[int]) -> bool:
    """Return whether something computed with the tensors `before` goes into an op that reads one of `after`."""
    trace = flow.trace
    ops, flags, owner = trace.ops, trace.values.flags, trace.values.tensor
    marks = bytearray(len(trace.values))
    first, later = set(before), set(after)
    for op in range(len(ops)):
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        marked = any(marks[v] for v in read)
        if marked and any(owner[v] in later for v in read):
            return True
        if marked or any(owner[v] in first for v in read):
            for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]:
                if flags[value] & REQUIRES_GRAD and owner[value] < 0:
                    marks[value] = 1
    return False


def entry(case: Case, tensors: Collection[int], loss: int) -> Location | None:
    """Return the call, of the smallest module that holds all of these parameters, through which a loss's gradient comes to them."""
    flow, trace = case.flow, case.flow.trace
    ops, values = trace.ops, trace.values
    wanted = set(tensors)
    for op in range(len(ops)):
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        if any(flow.gradient[v] >> loss & 1 and values.tensor[v] == NONE for v in made) and any(
            values.tensor[v] in wanted and values.flags[v] & REQUIRES_GRAD for v in read
        ):
            site, call = ops.site[op], ops.call[op]
            while call != NONE and trace.calls[call].module != NONE:
                below = set(case.below(trace.calls[call].module))
                if below <= wanted:
                    site = trace.calls[call].site
                if not below < wanted:
                    break
                call = trace.calls[call].parent
            return place(trace, site, trace.op_names[ops.name[op]])
    return place(trace, flow.losses[loss].site, "backward")
