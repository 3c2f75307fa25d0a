"""GF202."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.flow.frontier import Cut
from gradcheck_freeze.rules.blame import DETACHING
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.cut_paths import findings
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import INFERENCE, NO_GRAD


@rule("GF202", kind="blockage", severity=Severity.ERROR)
def path_under_no_grad(case: Case) -> Iterator[Finding]:
    """A trainable parameter reaches the loss only through what was computed without recording gradient.

    Why it matters: inside `torch.no_grad()`, `torch.inference_mode()` or `set_grad_enabled(False)`, as a block or as a
    decorator, no op is recorded, so nothing before it can learn.

    Found:

        with torch.no_grad():
            h = backbone(x)
            z = projection(h)      # meant to learn
        loss = criterion(z, y)

    Left alone: a target computed under `no_grad` whose network also learns through another path, a network whose
    parameters are frozen, and a part of a model that is in eval mode there while the rest trains: this is how many freeze
    a backbone, and then give the optimizer the parameters of the whole model.

    Instead: close the block before the part that must learn.
    """

    def wanted(cut: Cut) -> bool:
        ops = case.flow.trace.ops
        return ops.mode[cut.op] in (NO_GRAD, INFERENCE) and case.flow.trace.op_names[ops.name[cut.op]] not in DETACHING

    def explain(cut: Cut, loss: str) -> tuple[str, str]:
        mode = "torch.inference_mode()" if case.flow.trace.ops.mode[cut.op] == INFERENCE else "torch.no_grad()"
        return (
            f"{{where}} gets no gradient from {loss}: it is used only under {mode}.",
            "Compute this part outside the block; only what must not learn belongs inside.",
        )

    yield from findings(path_under_no_grad, case, wanted, explain, by_mode=True)
