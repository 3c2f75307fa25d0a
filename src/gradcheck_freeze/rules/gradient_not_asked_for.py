"""GF223."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule


@rule("GF223", kind="blockage", severity=Severity.ERROR)
def gradient_not_asked_for(case: Case) -> Iterator[Finding]:
    """A loss depends on a trainable parameter, but the call that computes the gradients asks for those of others only.

    Why it matters: `torch.autograd.grad(loss, inputs)` computes what `inputs` lists and nothing else, and leaves `.grad` alone.
    The optimizer finds no gradient for the rest and passes over it.

    Found:

        gradients = torch.autograd.grad(loss, trunk.parameters())      # the head is forgotten
        for parameter, gradient in zip(trunk.parameters(), gradients):
            parameter.grad = gradient

    Left alone: a penalty on the gradient by the input, fast weights, and everything that another backward reaches.

    Instead: list all that should learn, or call backward().
    """
    if case.forward_unseen:
        return
    trace = case.flow.trace
    groups: dict[int, list[int]] = {}
    for tensor in sorted(case.uncut):
        seen = case.flow.tensors[tensor]
        reaching = [loss for number, loss in enumerate(case.flow.losses) if seen.gradient >> number & 1]
        calls = [trace.backwards[b] for loss in reaching for b in loss.backwards]
        if seen.optimizers and len(seen.steps) > 1 and calls and all(call.returns for call in calls):
            groups.setdefault(calls[-1].site, []).append(tensor)
    for site, tensors in groups.items():
        yield gradient_not_asked_for.finding(
            case.flow,
            tensors,
            "{where} gets no gradient: autograd.grad computes only what its inputs list, and this is not among it.",
            place(trace, site, "grad"),
            fix="List it among the inputs and hand its gradient over too, or call backward().",
        )
