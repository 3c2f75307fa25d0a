"""GF110."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE, REQUIRES_GRAD
from gradcheck_freeze.trace.training import Write

_MOST = 200  # ops looked at on the way back from one write


@rule("GF110", kind="leak", severity=Severity.ERROR)
def frozen_written(case: Case) -> Iterator[Finding]:
    """A frozen parameter is written by the program itself, outside every optimizer step.

    Why it matters: `requires_grad=False` keeps the optimizer away, not an in-place op. Clipping, renormalising or decaying
    "all parameters" reaches the frozen ones too.

    Found:

        features.requires_grad_(False)
        for p in critic.parameters():          # features is a part of critic
            p.data.clamp_(-0.01, 0.01)

        nn.Embedding.from_pretrained(vectors, freeze=True, max_norm=1.0)     # every lookup rescales

        teacher.load_state_dict(student.state_dict())    # after every step, with the contract `frozen = ["teacher"]`

        def forward(self, x):                  # an activation norm of a network that was loaded and frozen:
            if not self.initialised:           # a plain attribute, which no state_dict holds
                self.shift.data.copy_(-x.mean(0))

    Left alone: averages and copies of a trained network (EMA teachers, target networks), what is written once from outside,
    and what sets itself from its first batch without having been trained or loaded.

    Instead: leave frozen parameters out of the loop: `if p.requires_grad`. Keep in a buffer whether a layer has been set.
    """
    trace = case.flow.trace
    groups: dict[tuple[Location | None, str], list[int]] = {}
    for tensor, record in enumerate(trace.tensors):
        if record.kind != "parameter" or tensor in case.intent.tried:
            continue
        written = _rewritten(case, tensor)
        if written is not None:
            groups.setdefault(written, []).append(tensor)
    for op, tensors in _set_anew(case).items():
        yield frozen_written.finding(
            case.flow,
            tensors,
            "{where} must stay frozen, but the forward of its own module writes into it here what it makes of its input, over "
            "what had been loaded or learned.",
            place(trace, trace.ops.site[op], trace.op_names[trace.ops.name[op]]),
            fix="Keep in a buffer whether this has been done, so that a checkpoint says so, or leave it out for what is frozen.",
        )
    for (cause, name), tensors in groups.items():
        yield frozen_written.finding(
            case.flow,
            tensors,
            f"{{where}} must stay frozen, but {name}() here writes into it in every step.",
            cause,
            fix="Leave out what does not require grad, or do this before the training starts.",
        )


def _rewritten(case: Case, tensor: int) -> tuple[Location | None, str] | None:
    """Return where, and by which op, a frozen tensor is written again and again; None if it is not."""
    trace = case.flow.trace
    seen = case.flow.tensors[tensor]
    writes = [trace.writes[w] for w in seen.written]
    if not writes or any(w.op == NONE for w in writes) or (seen.optimizers and seen.changed):
        return None
    names = [trace.op_names[trace.ops.name[w.op]] for w in writes]
    place_of = (place(trace, writes[0].site, names[0]), names[0])
    if tensor in case.intent.fixed:
        # A clipping changes nothing any more once all is within its range: what counts is that it is done again.
        if (
            _once_learned(case, tensor)
            and all(_of_nothing_else(case, w.op) for w in writes)
            and _times_at(case, tensor, writes[0].site) > 1
        ):
            return place_of
        if (
            tensor in case.intent.stated
            and set(names) == {"copy_"}
            and len(writes) > 1
            and _in_every_step(case, writes)
        ):
            return place_of
    if trace.tensors[tensor].requires_grad or tensor in case.intent.carried:
        return None
    again = all(_of_nothing_else(case, w.op) for w in writes) and _times_at(case, tensor, writes[0].site) > 1
    if again and seen.data and _learner_written(case, writes[0].site):
        return place_of
    return place_of if set(names) == {"embedding"} and len(writes) > 1 else None


def _set_anew(case: Case) -> dict[int, list[int]]:
    """Return the frozen parameters that their own module sets from its input after they were loaded or trained, by the first op.

    What makes a parameter of itself alone, as a projection does, is none of these.
    """
    trace, since = case.flow.trace, case.intent.frozen_since
    filled: set[int] = set()
    found: dict[int, int] = {}
    by_site: dict[int, list[int]] = {}
    for tensor, op in zip(trace.values.tensor, trace.values.op, strict=True) if since else ():
        if tensor == NONE or op == NONE or tensor not in since or trace.tensors[tensor].kind != "parameter":
            continue
        call = trace.ops.call[op]
        if op < since[tensor]:
            if call == NONE and trace.op_names[trace.ops.name[op]] == "copy_" and _has_source(case, op):
                filled.add(tensor)
        elif call != NONE and trace.calls[call].module == trace.tensors[tensor].module and tensor in case.intent.fixed:
            found.setdefault(tensor, op)
    for tensor, op in found.items():
        learned = any(trace.steps[s].after <= since[tensor] for s in case.flow.tensors[tensor].changed)
        if (tensor in filled or learned) and _reads_data(case, op):
            by_site.setdefault(trace.ops.site[op], []).append(tensor)
    first = {site: min(op for t, op in found.items() if t in tensors) for site, tensors in by_site.items()}
    return {first[site]: tensors for site, tensors in by_site.items()}


def _reads_data(case: Case, write: int) -> bool:
    """Return whether what an op writes is computed from what came into the module call that it ran in."""
    trace = case.flow.trace
    inside = trace.ops.call[write]
    waiting, seen = [write], {write}
    while waiting and len(seen) < _MOST:
        op = waiting.pop()
        for value in trace.ops.inputs[trace.ops.first_input[op] : trace.ops.first_input[op + 1]]:
            made = trace.values.op[value]
            if trace.values.tensor[value] != NONE or made in seen:
                continue
            if made == NONE or not _lies_in(case, made, inside):
                return True
            seen.add(made)
            waiting.append(made)
    return len(seen) >= _MOST


def _once_learned(case: Case, tensor: int) -> bool:
    """Return whether a tensor required grad before it was frozen; a counter that is kept as a parameter never did."""
    values = case.flow.trace.values
    return any(values.tensor[v] == tensor and values.flags[v] & REQUIRES_GRAD for v in range(len(values)))


def _in_every_step(case: Case, writes: list[Write]) -> bool:
    """Return whether no two steps are made between one write and the next."""
    steps = [step.after for step in case.flow.trace.steps]
    between = [sum(a.after <= s < b.after for s in steps) for a, b in itertools.pairwise(writes)]
    return between.count(1) == len(between)


def _learner_written(case: Case, site: int) -> bool:
    """Return whether an op at this place writes into what an optimizer trains too: it goes over all there is."""
    values, ops = case.flow.trace.values, case.flow.trace.ops
    return any(
        tensor != NONE and values.op[v] != NONE and ops.site[values.op[v]] == site and case.flow.tensors[tensor].steps
        for v, tensor in enumerate(values.tensor)
    )


def _lies_in(case: Case, op: int, call: int) -> bool:
    """Return whether an op ran in a module call, or below it."""
    trace = case.flow.trace
    inner = trace.ops.call[op]
    while inner not in (NONE, call):
        inner = trace.calls[inner].parent
    return inner == call


def _has_source(case: Case, op: int) -> bool:
    """Return whether an op reads more than what it writes into."""
    return case.flow.trace.ops.first_input[op + 1] - case.flow.trace.ops.first_input[op] > 1


def _times_at(case: Case, tensor: int, site: int) -> int:
    """Return how often an op at one place wrote into a tensor."""
    values, ops = case.flow.trace.values, case.flow.trace.ops
    return sum(
        values.tensor[v] == tensor and values.op[v] != NONE and ops.site[values.op[v]] == site
        for v in range(len(values))
    )


def _of_nothing_else(case: Case, op: int) -> bool:
    """Return whether an op writes what it makes of the tensor alone, as a clipping does, not what comes from another."""
    ops = case.flow.trace.ops
    name = case.flow.trace.op_names[ops.name[op]]
    return name == "embedding" or (
        ops.first_input[op + 1] - ops.first_input[op] == 1 and name not in ("data", "copy_", "set_")
    )
