"""GF304."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from gradcheck_freeze.flow.walk import walk
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.source import put_into
from gradcheck_freeze.trace.record import GRAD, LEAF, NONE, REQUIRES_GRAD

Carried = Mapping[int, int]  # site → how often in a row an op there read what an earlier step had computed
_NOTHING: Carried = {}


@rule("GF304", kind="hazard", severity=Severity.NOTE)
def graph_kept_alive(case: Case) -> Iterator[Finding]:
    """The graph of every step is kept alive by the next one, or by a list, so memory grows with every step.

    Why it matters: a tensor that requires grad holds the whole graph that it was computed by. A sum of losses holds those of all
    steps, and the run ends for want of memory hours later.

    Found:

        total += loss                      # a tensor with the graph of every step
        history.append(loss)
        state = cell(x, state)             # the state of the step before, not detached

    Left alone: what is carried over detached or as a number; a graph that spans two steps and no more (a fake image that both
    networks of a GAN are shown); a sum that one backward walks once; the last loss, while a variable still holds it.

    Instead: `total += loss.item()`, or `loss.detach()` where the device should not be waited for; `state = state.detach()`.
    """
    yield from _chains(case)
    yield from _held(case)


def _held(case: Case) -> Iterator[Finding]:
    """Yield what a list, a dict or an object holds of several steps."""
    trace = case.flow.trace
    for kept in trace.kept:
        op = trace.values.op[kept.values[-1]]
        made = place(trace, trace.ops.site[op], trace.op_names[trace.ops.name[op]])
        put = put_into(trace, kept.holder)
        yield graph_kept_alive.finding(
            case.flow,
            walk(trace, kept.values[-1:]).leaves,
            f"{kept.holder} holds tensors of {len(kept.values)} steps, each with the graph that it was computed by: memory "
            "grows with every step.",
            put or made,
            trail=tuple(p for p in (made, put) if p),
            fix=f"Put numbers into {kept.holder}, with .item(), or tensors without a graph, with .detach().",
        )


def _chains(case: Case) -> Iterator[Finding]:
    """Yield the lines at which the graph of each step is hung on that of the step before."""
    trace = case.flow.trace
    if not _reads_earlier(case, sorted(step.after for step in trace.steps)):
        return
    told: set[tuple[str, int]] = set()
    for number in range(len(trace.optimizers)):
        ends = [step.after for step in trace.steps if step.optimizer == number]
        if len(ends) < 2:
            continue
        carried = _carry(case, ends)
        last: dict[int, int] = {}  # site → the value whose chain there is longest
        for value, chains in carried.items():
            for site, length in chains.items():
                if length > 1 and length > carried.get(last.get(site, NONE), _NOTHING).get(site, 1):
                    last[site] = value
        for site, value in sorted(last.items(), key=lambda pair: pair[1]):
            walked = [
                (n, length)
                for n, loss in enumerate(case.flow.losses)
                for b in loss.backwards
                if (length := max((carried.get(r, _NOTHING).get(site, 0) for r in trace.backwards[b].roots), default=0))
            ]
            if walked and len(set(walked)) < 2:
                continue  # one backward walks it once, as it may be meant to
            cause = place(trace, site)
            if cause is not None and (cause.path, cause.line) not in told:
                told.add((cause.path, cause.line))
                yield _told(case, cause, value, bool(walked))


def _told(case: Case, cause: Location, value: int, walked: bool) -> Finding:
    what = (
        "every backward walks the graphs of all steps before it, and memory grows"
        if walked
        else "no backward needs it, and memory grows with every step"
    )
    return graph_kept_alive.finding(
        case.flow,
        walk(case.flow.trace, (value,)).leaves,
        f"Line {cause.line} computes with what the step before computed here, graph and all: {what}.",
        cause,
        fix="Detach what is carried from one step to the next: .item() for a sum to be shown, .detach() for a state.",
    )


def _reads_earlier(case: Case, ends: Sequence[int]) -> bool:
    """Return whether any op reads what was computed, with gradient, before the last step."""
    values, ops = case.flow.trace.values, case.flow.trace.ops
    start, position = 0, 0
    for op in range(len(ops)):
        while position < len(ends) and ends[position] <= op:
            start, position = ends[position], position + 1
        if start and ops.mode[op] == GRAD:
            for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
                if values.flags[value] & (REQUIRES_GRAD | LEAF) == REQUIRES_GRAD and NONE < values.op[value] < start:
                    return True
    return False


def _carry(case: Case, ends: Sequence[int]) -> dict[int, Carried]:
    """Return, for every value that hangs on an earlier step of one optimizer, at which sites and how often in a row."""
    trace = case.flow.trace
    values, ops = trace.values, trace.ops
    carried: dict[int, Carried] = {}
    for op in range(len(ops)):
        if ops.mode[op] != GRAD:
            continue
        here: Carried = _NOTHING
        crosses = False
        for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
            if values.flags[value] & (REQUIRES_GRAD | LEAF) != REQUIRES_GRAD:
                continue
            chains = carried.get(value, _NOTHING)
            if chains is not here and chains:
                here = {s: max(here.get(s, 0), chains.get(s, 0)) for s in {*here, *chains}} if here else chains
            made = values.op[value]
            crosses = crosses or (made != NONE and bisect_right(ends, made) < bisect_right(ends, op))
        if crosses:
            site = _outermost(case, op)
            here = {**here, site: here.get(site, 0) + 1}
        if here:
            for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]:
                if values.flags[value] & REQUIRES_GRAD:
                    carried[value] = here
    return carried


def _outermost(case: Case, op: int) -> int:
    """Return the site of the outermost module call around an op, or its own."""
    trace = case.flow.trace
    site, call = trace.ops.site[op], trace.ops.call[op]
    while call != NONE:
        site, call = trace.calls[call].site, trace.calls[call].parent
    return site
