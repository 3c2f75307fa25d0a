"""GF226."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule

_WHOLE = "the program ended"


@rule("GF226", kind="blockage", severity=Severity.ERROR)
def never_learns(case: Case) -> Iterator[Finding]:
    """A parameter that the contract says must learn never does, and no other rule says why.

    Why it matters: the contract is the author's word. Where it is not kept the report must not say that all is well, even if
    the reason lies where nothing was seen.

    Found, with `--trainable net`:

        weights = {name: p.detach().clone() for name, p in net.named_parameters()}
        for name, p in net.named_parameters():
            weights[name] -= lr * p.grad          # moves the copies; net stays as it is

    Left alone: a program that was not watched to its end and made no step yet, `diagnose` without an optimizer, and
    whatever another rule explains.

    Instead: write into the parameter under `torch.no_grad()`, or hand it to an optimizer and call its `step()`.
    """
    flow, trace = case.flow, case.flow.trace
    if not flow.losses:
        return
    stated = {t for t in case.intent.stated & case.intent.learn if trace.tensors[t].kind == "parameter"}
    stated = {t for t in stated if not (flow.tensors[t].changed or flow.tensors[t].written)}
    starved = {t for t in stated if not flow.tensors[t].received}
    still = stated - starved - _written_by_ops(case)
    last = place(trace, flow.losses[-1].site, "backward")
    if starved and not case.forward_unseen:
        yield never_learns.finding(
            flow,
            starved,
            "{where} must learn, but gets no gradient from any loss.",
            last,
            fix="Let a loss depend on it, or take the name out of the contract.",
        )
    if still and trace.script is not None and trace.closed == _WHOLE:
        yield never_learns.finding(
            flow,
            still,
            "{where} must learn and gets gradient, but nothing ever changes it.",
            last,
            fix="Call the step() of an optimizer that holds it, or write the new value into the parameter itself.",
        )


def _written_by_ops(case: Case) -> set[int]:
    """Return the tensors that an op wrote into once there was gradient: by what is not known where no step was looked at."""
    trace = case.flow.trace
    first = min(backward.after for backward in trace.backwards)
    return {tensor for tensor, op in zip(trace.values.tensor, trace.values.op, strict=True) if op >= first}
