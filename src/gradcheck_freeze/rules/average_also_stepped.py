"""GF111."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.attribution import entry, passes_through
from gradcheck_freeze.rules.average_never_follows import followed
from gradcheck_freeze.rules.by_hand import events
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.gradient_thrown_away import always_thrown
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule


@rule("GF111", kind="leak", severity=Severity.ERROR)
def average_also_stepped(case: Case) -> Iterator[Finding]:
    """A copy that the program updates from a trained network, as an EMA teacher is, is moved or fed by a loss as well.

    Why it matters: a teacher or target is meant to follow slowly. One that the optimizer trains too is pulled towards the
    student by the loss, and the two meet where the loss is trivial.

    Found:

        optimizer = AdamW(model.parameters())      # model holds student and teacher
        loss = distance(model.student(x), model.teacher(x))

    and, as a warning, a copy that no optimizer holds but that the loss feeds gradient into, step after step.

    Left alone: a teacher whose gradient is None because it ran under `no_grad`, a copy that only passes gradient on to what is
    before it, and one whose gradient the program hands on (a worker's network, half-precision weights).

    Instead: hand over `model.student.parameters()`, and `teacher.requires_grad_(False)`.
    """
    yield from _fed(case)
    flow, trace = case.flow, case.flow.trace
    held = {t: op for t, (_, op) in followed(case, trained_too=True).items() if len(flow.tensors[t].written) > 1}
    moving = {t for t in held if len(flow.tensors[t].changed) > 1}
    # The steps may not move every one of them: the gradient of a bias before a softmax is zero.
    networks = {m for t in moving for m in case.around(trace.tensors[t].module)[1:2]}
    both = {
        t: op for t, op in held.items() if t in moving or networks.intersection(case.around(trace.tensors[t].module))
    }
    groups: dict[int, list[int]] = {}
    for tensor in sorted(both):
        groups.setdefault(flow.tensors[tensor].optimizers[0][0], []).append(tensor)
    for number, tensors in groups.items():
        if moving.isdisjoint(tensors):
            continue
        optimizer = trace.optimizers[number]
        step = trace.steps[min(s for t in tensors for s in flow.tensors[t].changed)]
        update = place(trace, trace.ops.site[both[tensors[0]]], "update")
        built, stepped = place(trace, optimizer.built, "optimizer"), place(trace, step.site, "step")
        at = f" at line {update.line}" if update else ""
        yield average_also_stepped.finding(
            flow,
            tensors,
            f"{{where}} is updated{at} from what is trained, but {optimizer.name} holds it too and moves it by gradient.",
            built or stepped,
            trail=tuple(p for p in (stepped, update, built) if p),
            fix="Give the optimizer only what the loss should train, and freeze the copy with requires_grad_(False).",
        )


def _fed(case: Case) -> Iterator[Finding]:
    """Yield the copies that no optimizer holds and that a loss gives gradient which nothing uses."""
    flow, trace = case.flow, case.flow.trace
    followers = {t: op for t, (_, op) in followed(case).items() if flow.tensors[t].received and trace.steps}
    done = events(trace) if followers else {}
    for number, loss in enumerate(flow.losses):
        fed = [t for t in sorted(followers) if always_thrown(case, t, number, done.get(t, ()))]
        learners = {t for b in loss.backwards for t in trace.backwards[b].received} - set(fed)
        if not fed or not learners or passes_through(flow, learners, fed):
            continue
        cause = entry(case, fed, number)
        update, backward = (
            place(trace, trace.ops.site[followers[fed[0]]], "update"),
            place(trace, loss.site, "backward"),
        )
        at = f" at line {update.line}" if update else ""
        yield average_also_stepped.finding(
            flow,
            fed,
            f"{{where}} is updated{at} from what is trained, but {loss.name} feeds it gradient too: it is taught by the network "
            "that it should teach, or its gradient adds up for nothing.",
            cause,
            trail=tuple(p for p in (backward, cause, update) if p),
            fix="Call it under torch.no_grad(), and freeze it with requires_grad_(False).",
            severity=Severity.WARNING,
        )
