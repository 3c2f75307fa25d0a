"""GF102."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.attribution import entry
from gradcheck_freeze.rules.by_hand import events
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.gradient_thrown_away import always_thrown
from gradcheck_freeze.rules.modes import modes_on_the_way
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import INFERENCE, NO_GRAD, NONE, REQUIRES_GRAD


@rule("GF102", kind="leak", severity=Severity.ERROR)
def frozen_fed_gradient(case: Case) -> Iterator[Finding]:
    """A loss feeds gradient into a parameter that the contract keeps frozen, or that the code treats as frozen.

    Why it matters: nobody steps it yet, but the gradient adds up in `.grad`, costs time and memory, and the next optimizer
    that holds the parameter applies it. With a contract for one loss, it is that loss teaching what another should.

    Found, with the contract `frozen = ["critic@actor_loss"]`:

        actor_loss = -critic(actor(obs)).mean()
        actor_loss.backward()

    and without a contract, as a warning, for a network that no optimizer holds, that is in eval mode while the others are not, and
    that the program itself computes with under `no_grad` elsewhere on the way to the loss:

        vgg.eval()
        with torch.no_grad():
            wanted = vgg(sharp)
        loss = mse_loss(vgg(restored), wanted)

    Left alone: gradient that passes through a frozen network to what is before it, that the program clears or reads by itself, or
    that comes without a contract to a network in train mode.

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
    yield from _pretrained(case)


def _pretrained(case: Case) -> Iterator[Finding]:
    """Yield the networks that are treated as frozen, but were not, and gather gradient."""
    flow, trace = case.flow, case.flow.trace
    treated = treated_as_frozen(case)
    for number, loss in enumerate(flow.losses):
        fed = [t for t in sorted(treated) if flow.tensors[t].received >> number & 1]
        if fed and not all(trace.backwards[b].returns for b in loss.backwards):
            treated -= set(fed)
            cause = entry(case, fed, number)
            backward = place(trace, loss.site, "backward")
            yield frozen_fed_gradient.finding(
                flow,
                fed,
                f"{{where}} is in eval mode, under no_grad elsewhere and in no optimizer, but it was never frozen: {loss.name} adds "
                "gradient to its .grad in every step.",
                cause,
                trail=tuple(p for p in (backward, cause) if p),
                fix="Freeze it with requires_grad_(False); the gradient still passes through.",
                severity=Severity.WARNING,
            )


def treated_as_frozen(case: Case) -> set[int]:
    """Return what gathers gradient that nothing uses, though all that the program does with its network says that it is frozen."""
    flow, trace = case.flow, case.flow.trace
    fed = {
        t
        for t in case.intent.learn - case.intent.stated
        if flow.tensors[t].received
        and not flow.tensors[t].optimizers
        and not flow.tensors[t].written
        and t not in trace.discarded
        and trace.tensors[t].kind == "parameter"
    }
    if not fed or not trace.steps:
        return set()
    done = events(trace)
    fed = {t for t in fed if any(always_thrown(case, t, n, done.get(t, ())) for n in range(len(flow.losses)))}
    modes = modes_on_the_way(case) if fed else {}
    ops, owner = trace.ops, trace.values.tensor
    closed: set[int] = set()  # read under no_grad for what goes into a loss
    for op in range(len(ops)) if True in modes.values() else ():
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        if ops.mode[op] in (NO_GRAD, INFERENCE) and ops.call[op] != NONE and any(flow.data[v] for v in made):
            closed |= {owner[v] for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]} & fed
    found: set[int] = set()
    for module, training in modes.items():
        below = set(case.below(module)) if not training else set()
        if below and below <= fed and below & closed:
            found |= below
    return found


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
