"""GF206."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradcheck_freeze.rules.blame import ONE_NUMBER
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.cut_paths import cause_of
from gradcheck_freeze.rules.dropped import where_dropped
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.forgotten import REDUCING
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.syntax import around, computed_with, only_call
from gradcheck_freeze.trace.record import NONE, REQUIRES_GRAD
from gradcheck_freeze.trace.training import WatchedOptimizer

_UNUSED = (
    "{where} is used, but no loss that backward() was called on depends on it.",
    "Add what is computed here to the loss, or call backward() on the sum.",
)
_TAKEN = (
    "{where} gets no gradient: what is used of it is a Python number, taken out of torch here, and a constant to autograd.",
    "Compute with the tensor itself instead of a number taken from it.",
)

_COPIED = (
    "{where} is only copied: the loss is computed with leaves made from it, which get the gradient, and the optimizer was given "
    "the originals here.",
    "Give the optimizer the copies that the loss is computed with.",
)


@rule("GF206", kind="blockage", severity=Severity.ERROR)
def off_the_loss_path(case: Case) -> Iterator[Finding]:
    """A trainable parameter is computed with, but no loss depends on the result.

    Why it matters: backward was called on something else, so this part never learns. Often a loss is computed, logged
    and then forgotten in a `return` or a sum.

    Found:

        loss = task_loss + 0.1 * aux_loss
        return task_loss                   # backward() never sees aux_loss

        kept = easiest(second(x).detach(), y)              # of two peers each chooses for the other
        loss = criterion(first(x)[kept], y[kept])          # and `second` has no loss of its own

    Left alone: networks in no optimizer, and modules that only serve evaluation.

    Instead: add the result to the loss on which backward is called.
    """
    if case.forward_unseen:
        return
    yield from _forgotten(case)
    yield from _only_choosing(case)
    groups: dict[tuple[Location | None, str, str], list[int]] = {}
    for tensor in sorted(case.off_path - set(case.leaving)):
        record = case.flow.trace.tensors[tensor]
        if record.alive and (case.flow.tensors[tensor].optimizers or tensor in case.intent.stated):
            groups.setdefault(_last_use(case, tensor), []).append(tensor)
    for (cause, message, fix), tensors in groups.items():
        yield off_the_loss_path.finding(case.flow, tensors, message, cause, fix=fix)


def _forgotten(case: Case) -> Iterator[Finding]:
    """Yield the terms that no loss has, of what else reaches a loss only as a weight or a target."""
    trace = case.flow.trace
    terms: dict[Location | None, list[int]] = {}
    for tensor, op in sorted(case.forgotten.items()):
        terms.setdefault(place(trace, trace.ops.site[op], trace.op_names[trace.ops.name[op]]), []).append(tensor)
    for cause, tensors in terms.items():
        yield off_the_loss_path.finding(
            case.flow,
            tensors,
            "{where} gets no gradient: no loss that backward() was called on depends on what is computed from it here; what else "
            "reaches a loss is a constant there.",
            cause,
            fix="Add what is computed here to the loss, or call backward() on the sum.",
        )


def _only_choosing(case: Case) -> Iterator[Finding]:
    """Yield the networks that only choose what another of their kind learns from."""
    trace = case.flow.trace
    groups: dict[tuple[str, Location | None], list[int]] = {}
    for tensor, reason in sorted(case.choosing.items()):
        groups.setdefault(reason, []).append(tensor)
    for (learner, cause), tensors in groups.items():
        yield off_the_loss_path.finding(
            case.flow,
            tensors,
            f"{{where}} gets no gradient: what it computes only chooses what {learner} learns from, and no loss is computed from it.",
            cause or cause_of(case, case.cut[tensors[0]]),
            trail=tuple(p for p in (place(trace, case.flow.losses[0].site, "backward"), cause) if p),
            fix="Compute a loss from what it gives too, and add it to what backward() is called on.",
        )


def _last_use(case: Case, tensor: int) -> tuple[Location | None, str, str]:
    """Return the line to blame, what is to be said of it, and what to do."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    marks = {v for v in range(len(values)) if values.tensor[v] == tensor and values.flags[v] & REQUIRES_GRAD}
    last = NONE
    for op in range(len(ops)):
        if trace.op_names[ops.name[op]].endswith("_") and ops.call[op] == NONE:
            continue
        if any(v in marks for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]):
            made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
            carried = [v for v in made if values.flags[v] & REQUIRES_GRAD]
            marks.update(carried)
            if carried:
                last = op
    taken = _taken_into_a_loss(case, marks)
    taken = taken if taken != NONE else _taken_to_compute_with(case, marks)
    if taken != NONE:
        name = trace.op_names[ops.name[taken]]
        return place(trace, ops.site[taken], name), *_TAKEN
    if (optimizer := _copied(case, tensor)) is not None:
        return place(trace, optimizer.built, "optimizer"), *_COPIED
    if last == NONE:
        return None, *_UNUSED
    cause = (
        _backward_on_a_part(case, last)
        or _backward_on_the_last(case, last)
        or where_dropped(trace, last, trace.op_names[ops.name[last]] in REDUCING)
        or _where_it_is_computed(case, ops.site[last])
    )
    return cause, *_UNUSED


def _copied(case: Case, tensor: int) -> WatchedOptimizer | None:
    """Return the optimizer that holds a tensor of which copies, that no optimizer holds, get the gradient."""
    trace, seen = case.flow.trace, case.flow.tensors
    ops, owner = trace.ops, trace.values.tensor
    if not seen[tensor].optimizers:
        return None
    reached = {v for v, t in enumerate(owner) if t == tensor}
    for op in range(len(ops)):
        if any(v in reached for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]):
            reached.update(ops.outputs[ops.first_output[op] : ops.first_output[op + 1]])
    copies = {owner[v] for v in reached} - {NONE, tensor}
    if any(seen[t].received and not seen[t].optimizers for t in copies):
        return trace.optimizers[seen[tensor].optimizers[0][0]]
    return None


def _taken_into_a_loss(case: Case, marks: set[int]) -> int:
    """Return the op that takes the result out of torch as a number, on the line that adds it to what a loss is made of."""
    trace = case.flow.trace
    ops = trace.ops
    for op in range(len(ops) - 1):
        taken = trace.op_names[ops.name[op]] in ONE_NUMBER and ops.inputs[ops.first_input[op]] in marks
        if taken and ops.site[op] != NONE and ops.site[op + 1] != NONE:
            here, after = trace.sites[ops.site[op]], trace.sites[ops.site[op + 1]]
            goes_on = ops.outputs[ops.first_output[op + 1] : ops.first_output[op + 2]]
            if (here.path, here.line) == (after.path, after.line) and any(case.flow.data[v] for v in goes_on):
                return op
    return NONE


def _taken_to_compute_with(case: Case, marks: set[int]) -> int:
    """Return the op that takes the result out of torch as a number which a variable holds and something is computed with."""
    trace = case.flow.trace
    ops = trace.ops
    first = min((b.after for b in trace.backwards), default=0)
    for op in range(first):
        if (
            trace.op_names[ops.name[op]] in ONE_NUMBER
            and ops.inputs[ops.first_input[op]] in marks
            and ops.site[op] != NONE
        ):
            where = trace.sites[ops.site[op]]
            if computed_with(where.path, where.line):
                return op
    return NONE


def _backward_on_a_part(case: Case, last: int) -> Location | None:
    """Return the backward call that was made on a term, where the sum of it and the unused result was made too.

    It is to blame if it had the choice: the sum stands in the same function, or the term is picked out of several.
    """
    trace = case.flow.trace
    ops = trace.ops
    roots = {
        root: number
        for number, loss in enumerate(case.flow.losses)
        for b in loss.backwards
        for root in trace.backwards[b].roots
    }
    for value in ops.inputs[ops.first_input[last] : ops.first_input[last + 1]]:
        if value in roots and ops.site[last] != NONE:
            loss = case.flow.losses[roots[value]]
            same = loss.site != NONE and trace.sites[loss.site].function == trace.sites[ops.site[last]].function
            return place(trace, loss.site, "backward") if same or not loss.name.isidentifier() else None
    return None


def _backward_on_the_last(case: Case, last: int) -> Location | None:
    """Return the backward call that was made on what a line gave in the last round of a loop, where every round is meant."""
    trace = case.flow.trace
    ops = trace.ops
    for loss in case.flow.losses:
        for backward in loss.backwards:
            for root in trace.backwards[backward].roots:
                made = trace.values.op[root]
                if made != NONE and made != last and ops.site[made] == ops.site[last] != NONE:
                    return place(trace, loss.site, "backward")
    return None


def _where_it_is_computed(case: Case, site: int) -> Location | None:
    """Return the line that computes the unused result, or the one that calls the function which returns it."""
    trace = case.flow.trace
    if site == NONE:
        return None
    where = trace.sites[site]
    held = around(where.path, where.line)
    if held and isinstance(held[-1], ast.Return) and (calling := only_call(trace, site)) is not None:
        return calling
    return place(trace, site, "unused result")
