"""GF301."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from gradcheck_freeze.flow.walk import walk
from gradcheck_freeze.rules.attribution import passes_through
from gradcheck_freeze.rules.by_hand import READ, ZEROED, Event, events
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import cover, place
from gradcheck_freeze.rules.planned import priced, unused_gradients
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE


@rule("GF301", kind="waste", severity=Severity.NOTE)
def gradient_thrown_away(case: Case) -> Iterator[Finding]:
    """A backward computes gradient that is cleared, or left lying, before anything uses it.

    Why it matters: it costs time, and memory for every `.grad`; one forgotten `zero_grad()`, and an optimizer applies it.

    Its share is counted in gradients computed: a backward computes one for every input of an op that requires grad (a linear
    layer has three: its input, weight and bias). The share are those that lead to these parameters and to nothing that is used.
    It is a count, not a time. In a plan (weights without memory) one backward is enough, it is a warning, and bytes and work
    are told as well.

    Found:

        errG = criterion(netD(fake), real)
        errG.backward()                    # fills netD's .grad as well
        optG.step()
        netD.zero_grad()                   # and here it is thrown away

        loss = perceptual(vgg(output), vgg(target))
        loss.backward()                    # vgg requires grad, and no optimizer holds it

    Left alone: gradient that some of a loss's backwards give in vain and others do not (a skipped step, alternating steps), that
    the program reads by itself, clips or hands to hooks, and a loss whose backward was seen once only.

    Instead: `netD.requires_grad_(False)` while this loss is computed (the gradient still passes through), `detach()` what
    it must not go back into, or ask for what is wanted: `loss.backward(inputs=...)`, `torch.autograd.grad(loss, inputs)`.
    """
    flow, trace = case.flow, case.flow.trace
    done = events(trace)
    found: dict[frozenset[int], list[int]] = {}
    for number, loss in enumerate(flow.losses):
        thrown = frozenset(t for t in range(len(trace.tensors)) if always_thrown(case, t, number, done.get(t, ())))
        # A loss that gives nothing else is meant for what is cut off from it, if anything is: the cut is the fault.
        starved = case.cut or case.unread or case.off_path or case.uncut
        if thrown and not (starved and all(thrown.issuperset(trace.backwards[b].received) for b in loss.backwards)):
            for alike in _told_apart(case, thrown):
                found.setdefault(alike, []).append(number)
    for tensors, losses in found.items():
        yield _told(case, tensors, losses)
    planned = frozenset(t for t in unused_gradients(flow) if trace.tensors[t].kind == "parameter")
    if planned:
        first = next(n for n in range(len(flow.losses)) if any(flow.tensors[t].received >> n & 1 for t in planned))
        yield _told(case, planned, [first])


def _told_apart(case: Case, tensors: frozenset[int]) -> Iterator[frozenset[int]]:
    """Yield the tensors of each of several models that took one another's name, one model at a time."""
    taken: dict[str, int] = {}
    models: dict[int, set[int]] = {}
    for tensor, record in enumerate(case.flow.trace.tensors):
        number = taken[record.names[0]] = taken.get(record.names[0], -1) + 1
        if tensor in tensors:
            models.setdefault(number, set()).add(tensor)
    yield from (frozenset(model) for _, model in sorted(models.items()))


def always_thrown(case: Case, tensor: int, loss: int, done: Sequence[Event]) -> bool:
    """Return whether at least two backwards of a loss gave a parameter gradient, and nothing used any of it."""
    flow, trace = case.flow, case.flow.trace
    if (
        trace.tensors[tensor].kind != "parameter"
        or tensor in trace.lent
        or not flow.tensors[tensor].received >> loss & 1
    ):
        return False
    given = [b for b in flow.losses[loss].backwards if tensor in trace.backwards[b].received]
    if len(given) < 2 or any(_read(case, tensor, b, done) for b in given):
        return False
    cleared = set(trace.discarded.get(tensor, ()))
    thrown = [b for b in given if b in cleared]
    if flow.tensors[tensor].optimizers:  # what no step saw and nobody cleared may still come to use, at the end only
        return len(thrown) > 1 and all(b in cleared or b > thrown[-1] for b in given)
    others = [{t for t, backwards in step.losses.items() if backwards} for step in trace.steps]
    used = {b for step in trace.steps for backwards in step.losses.values() for b in backwards}
    return bool(others) and all(b in cleared or b in used for b in given[:-1])


def _read(case: Case, tensor: int, backward: int, done: Sequence[Event]) -> bool:
    """Return whether the program itself read the gradient after a backward, before it was cleared."""
    since = case.flow.trace.backwards[backward].after
    for op, what in done:
        if op >= since and what in (READ, ZEROED):
            return what == READ
    return False


def _told(case: Case, tensors: frozenset[int], losses: Sequence[int]) -> Finding:
    flow, trace = case.flow, case.flow.trace
    loss = flow.losses[losses[0]]
    backward = place(trace, loss.site, "backward")
    first = next(b for b in loss.backwards if set(trace.backwards[b].received) & tensors)
    cleared = next(
        (z.site for z in trace.zeroings if z.after >= trace.backwards[first].after and set(z.tensors) & tensors), NONE
    )
    where = place(trace, cleared, "zero_grad")
    held = any(flow.tensors[t].optimizers for t in tensors)
    if where is not None:
        end = f"it is cleared at line {where.line} before any step"
    elif held or any(trace.discarded.get(t) for t in tensors):
        end = "it is cleared before any step"
    else:
        end = "no optimizer holds it"
    many = "".join(f", {flow.losses[number].name}" for number in losses[1:3])
    return gradient_thrown_away.finding(
        flow,
        tensors,
        f"{loss.name}{many} computes gradient for {{where}} that nothing uses: {end}. {_cost(case, first, tensors)}.",
        backward,
        trail=tuple(p for p in (backward, where) if p),
        fix=_fix(case, tensors, first, backward, held),
        severity=Severity.WARNING if trace.cost is not None else None,
    )


def _cost(case: Case, backward: int, thrown: frozenset[int]) -> str:
    """Return what the gradient costs: memory and work where a plan knows them, else its share of the gradients computed."""
    trace = case.flow.trace
    cost, price = trace.cost, priced(trace, thrown)
    if cost and price and cost.work and cost.needed is not None and thrown.issuperset(unused_gradients(case.flow)):
        work = 1 - cost.needed / cost.work
        return f"It takes {price} in {len(thrown):,} tensors and {work:.0%} of the backward's floating point operations"
    return f"That is {_share(case, backward, thrown):.0%} of the gradients its backward computes"


def _fix(case: Case, tensors: frozenset[int], backward: int, line: Location | None, held: bool) -> str:
    flow, trace = case.flow, case.flow.trace
    where = cover(trace, tensors)
    before = f"line {line.line}" if line else "the backward"
    kept = set(trace.backwards[backward].received) - tensors
    if not kept:
        return f"Leave out the backward at {before}, compute the loss under torch.no_grad(), or step before clearing."
    if not passes_through(flow, kept, tensors) and passes_through(flow, tensors, kept):
        return f"Let this loss have what {where} gives with .detach()."
    if held:
        return (
            f"Set requires_grad_(False) on {where} before this loss is computed and True after {before}; or name what is "
            "wanted: backward(inputs=...)."
        )
    return (
        f"Freeze it before training, with requires_grad_(False) on {where} (the gradient still passes through); or give it to "
        "an optimizer, if it is to learn."
    )


def _share(case: Case, backward: int, thrown: Collection[int]) -> float:
    """Return the share of the gradients of one backward that lead to these tensors and to nothing else it gave gradient."""
    trace = case.flow.trace
    values = trace.values
    received = set(trace.backwards[backward].received)
    walked = walk(trace, trace.backwards[backward].roots)
    wanted: set[int] = set()
    wasted: set[int] = set()  # values whose gradient is needed for something else, for these tensors
    total = vain = 0
    made: dict[int, tuple[bool, bool]] = {}
    for op, value in walked.edges:  # what an op reads was made before it, so its inputs are known already
        tensor = values.tensor[value]
        if tensor != NONE and tensor in received:
            (wasted if tensor in thrown else wanted).add(value)
        elif values.op[value] in made:
            useful, useless = made[values.op[value]]
            if useful:
                wanted.add(value)
            if useless:
                wasted.add(value)
        useful, useless = made.get(op, (False, False))
        made[op] = (useful or value in wanted, useless or value in wasted)
        total += value in wanted or value in wasted
        vain += value in wasted and value not in wanted
    return vain / total if total else 0.0
