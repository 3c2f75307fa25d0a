"""GF107."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.attribution import held_by, losses_by_backward, own_losses, passes_through
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.passed_through import PassedThrough, passed_through
from gradcheck_freeze.rules.places import cover, place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE

Key = tuple[int, int]  # optimizer, loss


@rule("GF107", kind="leak", severity=Severity.ERROR)
def foreign_gradient(case: Case) -> Iterator[Finding]:
    """An optimizer step applies the gradient of a loss that was meant for another network.

    Why it matters: `backward()` adds to the `.grad` of every network on its way. What one loss leaves there is applied by
    the next step of whoever holds the network, in the wrong direction as often as not.

    Found:

        actor_loss = -critic(obs, actor(obs)).mean()
        actor_loss.backward()              # also fills critic.grad
        critic_opt.step()                  # and here it is applied

        loss = criterion(model(x + delta), y)
        loss.backward()                    # for delta.grad; model.grad keeps its share until opt.step()

        loss = mse_loss(critic(obs, action), returns) - critic(obs, actor(obs)).mean()
        loss.backward()                    # the critic learns to give good marks, not the right ones

    Left alone: gradient that is zeroed before the step, several losses summed up for one optimizer, one loss with several
    optimizers, and attacks whose gradient trains the network too, as in free adversarial training.

    Instead: zero the gradient between the backward and the step, detach what goes in, `requires_grad_(False)` the network
    that only passes gradient on, or ask for one gradient: `torch.autograd.grad(loss, delta)`.
    """
    found: dict[Key, set[int]] = {}
    for check in (_left_over, _of_another, _for_an_input):
        for key, tensors in check(case).items():
            found.setdefault(key, tensors)
    for (optimizer, loss), tensors in found.items():
        yield _told(case, optimizer, loss, tensors)
    told = {t for tensors in found.values() for t in tensors}
    for passed in passed_through(case):
        if not passed.tensors & told:
            yield _told_of_a_term(case, passed)


def _told_of_a_term(case: Case, passed: PassedThrough) -> Finding:
    flow, trace = case.flow, case.flow.trace
    step = trace.steps[passed.step]
    backward = place(trace, trace.backwards[passed.score.backward].site, "backward")
    joined = place(trace, trace.ops.site[passed.joined], "sum") if passed.joined != NONE else backward
    score, fit = (place(trace, _outer_site(case, term.op), "term") for term in (passed.score, passed.fit))
    return foreign_gradient.finding(
        flow,
        passed.tensors,
        f"{{where}} is fitted{_at(fit)}, but it is also moved by what{_at(score)} is the objective of "
        f"{cover(trace, passed.before)}: {trace.optimizers[step.optimizer].name}.step(){_at(place(trace, step.site))} makes it give "
        "good marks instead of right ones.",
        joined,
        trail=tuple(p for p in (place(trace, step.site, "step"), backward, joined, score) if p),
        fix="Set requires_grad_(False) on it while this objective is computed (the gradient still passes through), or take "
        "separate backwards with zero_grad() between them.",
    )


def _outer_site(case: Case, op: int) -> int:
    """Return the site of the outermost module call around an op, or its own."""
    trace = case.flow.trace
    site, call = trace.ops.site[op], trace.ops.call[op]
    while call != NONE:
        site, call = trace.calls[call].site, trace.calls[call].parent
    return site


def _at(where: Location | None) -> str:
    return f" at line {where.line}" if where else ""


def _told(case: Case, optimizer: int, loss: int, tensors: set[int]) -> Finding:
    flow, trace = case.flow, case.flow.trace
    backward = place(trace, flow.losses[loss].site, "backward")
    step = next(s for s in trace.steps if s.optimizer == optimizer)
    stepped = place(trace, step.site, "step")
    at = f" at line {stepped.line}" if stepped else ""
    held = trace.optimizers[optimizer].name
    return foreign_gradient.finding(
        flow,
        tensors,
        f"{held}.step(){at} also applies to {{where}} the gradient that {flow.losses[loss].name} left there.",
        backward,
        trail=tuple(p for p in (stepped, backward) if p),
        fix=f"Keep {flow.losses[loss].name} from it: detach its input, freeze it while this loss is computed, or zero its "
        f"gradient before {held}.step().",
    )


def _left_over(case: Case) -> dict[Key, set[int]]:
    """Return what a step applies of a backward that another optimizer's step had used up before the next backward."""
    flow, trace = case.flow, case.flow.trace
    loss_of = losses_by_backward(flow)
    used: dict[int, tuple[int, int]] = {}  # backward → the optimizer that applied it first, and when
    found: dict[Key, set[int]] = {}
    for step in trace.steps:
        for tensor, backwards in step.losses.items():
            for b in backwards:
                by, when = used.get(b, (step.optimizer, step.after))
                newer = [n for n in backwards if trace.backwards[n].after > when and loss_of[n] != loss_of[b]]
                if by != step.optimizer and newer:
                    found.setdefault((step.optimizer, loss_of[b]), set()).add(tensor)
        for backwards in step.losses.values():
            for b in backwards:
                used.setdefault(b, (step.optimizer, step.after))
    first = {loss_of[b]: by for b, (by, _) in used.items()}
    return {
        key: tensors
        for key, tensors in found.items()
        if passes_through(flow, held_by(case, first[key[1]]) - tensors, tensors)
    }


def _of_another(case: Case) -> dict[Key, set[int]]:
    """Return what a step applies of a loss that its author pairs with another optimizer."""
    flow, trace = case.flow, case.flow.trace
    loss_of = losses_by_backward(flow)
    own = own_losses(case)
    found: dict[Key, set[int]] = {}
    for step in trace.steps:
        for tensor, backwards in step.losses.items():
            for b in backwards:
                loss = loss_of[b]
                if own.get(loss, step.optimizer) != step.optimizer and step.optimizer in own.values():
                    found.setdefault((step.optimizer, loss), set()).add(tensor)
    return {
        (optimizer, loss): tensors
        for (optimizer, loss), tensors in found.items()
        if not held_by(case, optimizer) & held_by(case, own[loss])
        and (
            passes_through(flow, held_by(case, optimizer), held_by(case, own[loss]))
            or passes_through(flow, held_by(case, own[loss]), held_by(case, optimizer))
        )
    }


def _for_an_input(case: Case) -> dict[Key, set[int]]:
    """Return what a step applies of a backward that was called for the gradient of a tensor nobody steps: an attack."""
    flow, trace = case.flow, case.flow.trace
    loss_of = losses_by_backward(flow)
    asked = {
        t for t in trace.gradient_of.values() if not flow.tensors[t].optimizers and trace.tensors[t].kind == "tensor"
    }
    purpose = {loss_of[b] for b, backward in enumerate(trace.backwards) if set(backward.received) & asked}
    found: dict[Key, set[int]] = {}
    for step in trace.steps:
        for tensor, backwards in step.losses.items():
            losses = {loss_of[b] for b in backwards}
            if losses - purpose:
                for loss in losses & purpose:
                    found.setdefault((step.optimizer, loss), set()).add(tensor)
    return found
