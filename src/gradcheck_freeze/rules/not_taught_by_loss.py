"""GF225."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gradcheck_freeze.flow.frontier import cuts
from gradcheck_freeze.rules.blame import blamed
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.cut_paths import cause_of
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import INFERENCE, NO_GRAD


@rule("GF225", kind="blockage", severity=Severity.ERROR)
def not_taught_by_loss(case: Case) -> Iterator[Finding]:
    """The contract says that a loss must teach a parameter, and it gives it no gradient.

    Why it matters: another loss may still teach it, so the parameter moves and nothing looks wrong; what this loss was added
    for is not learned.

    Found, with the contract `--trainable 'encoder@domain_loss'`:

        domain_loss = criterion(domain_head(encoder(x).detach()), domain)

    Left alone: every loss for which the contract says nothing, and what no loss at all teaches, which another rule tells.

    Instead: let the gradient of this loss through, or take the name out of the contract.
    """
    flow = case.flow
    elsewhere = set(case.cut) | case.unread | case.off_path | case.uncut
    for loss, stated in sorted(case.intent.learn_for_loss.items()):
        starved = {t for t in stated - elsewhere if not flow.tensors[t].received >> loss & 1}
        starved = {t for t in starved if flow.trace.tensors[t].kind != "buffer"}
        made = place(flow.trace, flow.losses[loss].site, "backward")
        for (cause, why), tensors in _reasons(case, loss, starved).items():
            yield not_taught_by_loss.finding(
                flow,
                tensors,
                f"{{where}} must learn from {flow.losses[loss].name}, but gets no gradient from it: {why}.",
                cause or made,
                trail=tuple(p for p in (made, cause) if p),
                fix="Let the gradient of this loss through here, or take the name out of the contract.",
            )


def _reasons(case: Case, loss: int, starved: Collection[int]) -> dict[tuple[Location | None, str], list[int]]:
    """Return what keeps the gradient of a loss from each of these tensors."""
    flow, ops = case.flow, case.flow.trace.ops
    on_the_way = [cut for cut in cuts(flow, starved) if any(flow.data[edge.result] >> loss & 1 for edge in cut.edges)]
    nearest = blamed(flow, on_the_way)
    reasons: dict[tuple[Location | None, str], list[int]] = {}
    for tensor in sorted(starved):
        cut = nearest.get(tensor)
        reason: tuple[Location | None, str]
        if not flow.tensors[tensor].data >> loss & 1:
            reason = None, "it does not depend on it"
        elif tensor not in case.intent.carried and not flow.trace.tensors[tensor].requires_grad:
            reason = None, "requires_grad is off"
        elif cut is None:
            reason = None, "no call asks for it"
        else:
            cause = cause_of(case, cut, by_mode=ops.mode[cut.op] in (NO_GRAD, INFERENCE))
            reason = cause, f"the way to it is cut by {cause.op}" if cause else "the way to it is cut"
        reasons.setdefault(reason, []).append(tensor)
    return reasons
