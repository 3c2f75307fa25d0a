"""GF220."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gradcheck_freeze.rules.attribution import held_by
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.intent import is_misspelt
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.source import attribute_set
from gradcheck_freeze.trace.record import NONE, REQUIRES_GRAD, Declaration

_BORN = "it is made here with requires_grad=False, so no loss teaches it"


@rule("GF220", kind="blockage", severity=Severity.ERROR)
def learner_switched_off(case: Case) -> Iterator[Finding]:
    """What should learn has `requires_grad=False`.

    Why it matters: autograd computes no gradient for it, and the optimizer that holds it passes over it without a word.

    Found:

        def evaluate(encoder):
            for p in encoder.parameters():
                p.requires_grad = False        # and nobody switches it on again

        p.require_grad = True                  # the unfreezing, misspelt

        model = copy.deepcopy(pretrained)          # frozen, as that is
        pretrained.head.requires_grad_(True)       # of the two it is `model` that is trained

    and, with the contract `trainable = ["head"]`, a head that was frozen together with the rest.

    Left alone: parts that are frozen on purpose while the optimizer goes on with others, and alternating optimisation.

    Instead: drop the line that switches it off, or `requires_grad_(True)` when it should learn again. What a call makes without
    gradient, as `nn.Embedding.from_pretrained(vectors)` does, is made with it where that is asked for: `freeze=False`.
    """
    groups: dict[tuple[Location | None, str], list[int]] = {}
    for tensor, reason in _switched_off(case).items():
        groups.setdefault(reason, []).append(tensor)
    for (cause, why), tensors in groups.items():
        yield learner_switched_off.finding(
            case.flow,
            tensors,
            f"{{where}} should learn, but {why}.",
            cause,
            fix="Call requires_grad_(True) on it before it is computed with again.",
        )


def _switched_off(case: Case) -> dict[int, tuple[Location | None, str]]:
    flow, trace = case.flow, case.flow.trace
    found: dict[int, tuple[Location | None, str]] = {}
    off = {
        d_tensor: d for d in trace.declarations if d.kind == "requires_grad" and not d.value for d_tensor in d.tensors
    }
    for tensor, record in enumerate(trace.tensors):
        if record.requires_grad or record.kind != "parameter":
            continue
        attributes = {name for name in record.attributes if is_misspelt(name)}
        if tensor in case.intent.stated and tensor in case.intent.learn:
            if tensor not in off and record.declared != NONE and not _required_grad(case, tensor):
                found[tensor] = (place(trace, record.declared, "made"), _BORN)
                continue
            cause = place(trace, off[tensor].site, "requires_grad = False") if tensor in off else None
            found[tensor] = (cause, "its requires_grad is False, so no loss teaches it")
        elif attributes and tensor in off and flow.tensors[tensor].optimizers and not flow.tensors[tensor].received:
            cause = attribute_set(trace, attributes)
            found[tensor] = (cause, "this only sets a Python attribute: its requires_grad stays False")
    for tensor, when in case.intent.frozen_since.items():
        steps = [step for s in flow.tensors[tensor].steps if (step := trace.steps[s]).after > when]
        before = [s for s in flow.tensors[tensor].changed if trace.steps[s].after <= when]
        if tensor in case.intent.learn and before and len(steps) > 1 and _by_an_evaluation(case, off[tensor], tensor):
            cause = place(trace, off[tensor].site, "requires_grad = False")
            found[tensor] = (cause, "an evaluation switched it off here and never switched it on again")
    found.update({t: reason for t, reason in _unfrozen_elsewhere(case).items() if t not in found})
    for number, optimizer in enumerate(trace.optimizers):
        held = held_by(case, number)
        since = [case.intent.frozen_since.get(t) for t in held]
        when = max((s for s in since if s is not None), default=0)
        later = [step for step in trace.steps if step.optimizer == number and step.after > when]
        taught = any(trace.steps[s].optimizer == number for t in held for s in flow.tensors[t].changed)
        if held and None not in since and len(later) > 1 and taught:
            for tensor in held & case.intent.learn:
                cause = place(trace, off[tensor].site, "requires_grad = False")
                why = f"it was switched off here while {optimizer.name} goes on stepping nothing"
                found.setdefault(tensor, (cause, why))
    return found


def _unfrozen_elsewhere(case: Case) -> dict[int, tuple[Location | None, str]]:
    """Return what is frozen and held by an optimizer, where its twin in another network was unfrozen, which nothing uses.

    Where all of that network was unfrozen, its flags may only have been put back.
    """
    flow, trace = case.flow, case.flow.trace
    on: dict[int, Declaration] = {}
    was_off: set[int] = set()
    for d in trace.declarations:
        for tensor in d.tensors if d.kind == "requires_grad" else ():
            if not d.value:
                was_off.add(tensor)
                on.pop(tensor, None)
            elif tensor in was_off:
                on[tensor] = d
    on = {t: d for t, d in on.items() if trace.tensors[t].names[0] and not flow.tensors[t].optimizers}
    if not on:
        return {}
    last = _last_read(case, on.keys())
    frozen = {case.root(t) for t in was_off - on.keys() if not trace.tensors[t].requires_grad}
    idle = {_twin_key(case, t): t for t, d in on.items() if last[t] < d.after and case.root(t) in frozen}
    found: dict[int, tuple[Location | None, str]] = {}
    for tensor, record in enumerate(trace.tensors):
        twin = (
            idle.get(_twin_key(case, tensor)) if not record.requires_grad and flow.tensors[tensor].optimizers else None
        )
        if twin is None or tensor in case.intent.carried or case.root(twin) == case.root(tensor):
            continue
        if (
            sum(trace.steps[s].after > on[twin].after for s in flow.tensors[tensor].steps) > 1
            and flow.tensors[tensor].data
        ):
            why = f"what is unfrozen here is that of {case.root(twin)}, with which nothing is computed"
            found[tensor] = (place(trace, on[twin].site, "requires_grad = True"), why)
    return found


def _twin_key(case: Case, tensor: int) -> tuple[object, ...]:
    """Return what a parameter has in common with that of another network built alike: its name in there, and its shape."""
    record, root = case.flow.trace.tensors[tensor], case.root(tensor)
    return record.names[0].removeprefix(root), record.shape


def _last_read(case: Case, tensors: Collection[int]) -> dict[int, int]:
    """Return the last op that reads each of these tensors."""
    ops, owner = case.flow.trace.ops, case.flow.trace.values.tensor
    last = dict.fromkeys(tensors, NONE)
    for op in range(len(ops)):
        for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
            if owner[value] in last:
                last[owner[value]] = op
    return last


def _by_an_evaluation(case: Case, freeze: Declaration, tensor: int) -> bool:
    """Return whether a function that froze a tensor also put its network into eval mode and back into train mode."""
    trace = case.flow.trace
    around = case.around(trace.tensors[tensor].module)
    function = trace.sites[freeze.site].function if freeze.site != NONE else ""
    modes = {
        d.value
        for d in trace.declarations
        if d.kind == "mode" and d.modules[0] in around and d.site != NONE and trace.sites[d.site].function == function
    }
    return modes == {False, True}


def _required_grad(case: Case, tensor: int) -> bool:
    """Return whether a tensor was ever seen to require grad."""
    values = case.flow.trace.values
    return any(owner == tensor and values.flags[v] & REQUIRES_GRAD for v, owner in enumerate(values.tensor))
