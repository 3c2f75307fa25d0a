"""GF102."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE, REQUIRES_GRAD


@rule("GF102", kind="leak", severity=Severity.ERROR)
def frozen_fed_gradient(case: Case) -> Iterator[Finding]:
    """A loss feeds gradient into a parameter that the contract keeps frozen.

    Why it matters: nobody steps it yet, but the gradient adds up in `.grad`, costs time and memory, and the next optimizer
    that holds the parameter applies it. With a contract for one loss, it is that loss teaching what another should.

    Found, with the contract `frozen = ["critic@actor_loss"]`:

        actor_loss = -critic(actor(obs)).mean()
        actor_loss.backward()

    Left alone: gradient that passes through a frozen network to what is before it; gradient without a contract.

    Instead: `critic.requires_grad_(False)` while this loss is computed, or name the inputs: `autograd.grad(loss, inputs)`.
    """
    flow = case.flow
    whole = [
        t
        for t in sorted(case.intent.fixed)
        if flow.tensors[t].received and not flow.tensors[t].changed and t in case.intent.stated
    ]
    by_loss = [
        (loss, [t for t in sorted(tensors) if flow.tensors[t].received >> loss & 1])
        for loss, tensors in case.intent.fixed_for_loss.items()
    ]
    for loss, tensors in [
        ((flow.tensors[whole[0]].received & -flow.tensors[whole[0]].received).bit_length() - 1 if whole else 0, whole),
        *by_loss,
    ]:
        if not tensors:
            continue
        cause = _entry(case, tensors[0], loss)
        yield frozen_fed_gradient.finding(
            flow,
            tensors,
            f"{{where}} must stay frozen, but {flow.losses[loss].name} feeds it gradient.",
            cause,
            trail=tuple(p for p in (place(flow.trace, flow.losses[loss].site, "backward"), cause) if p),
            fix="Freeze it with requires_grad_(False) before this line; the gradient still passes through.",
        )


def _entry(case: Case, tensor: int, loss: int) -> Location | None:
    """Return the outermost call, in the user's code, through which this loss's gradient reaches the tensor."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    for op in range(len(ops)):
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        if not any(case.flow.gradient[v] >> loss & 1 for v in made):
            continue
        if any(
            values.tensor[v] == tensor and values.flags[v] & REQUIRES_GRAD
            for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        ):
            call = ops.call[op]
            while call != NONE and trace.calls[call].parent != NONE:
                call = trace.calls[call].parent
            return place(trace, trace.calls[call].site if call != NONE else ops.site[op], trace.op_names[ops.name[op]])
    return place(trace, case.flow.losses[loss].site, "backward")
