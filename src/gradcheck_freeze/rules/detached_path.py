"""GF201."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.flow.frontier import Cut
from gradcheck_freeze.rules.blame import DETACHING
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.cut_paths import findings, op_name
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.rule import rule


@rule("GF201", kind="blockage", severity=Severity.ERROR)
def detached_path(case: Case) -> Iterator[Finding]:
    """A trainable parameter reaches the loss only through a detached tensor.

    Why it matters: autograd stops at `detach()` and `.data`, so the parameter's `.grad` stays `None`. The loss may still
    fall, because other parameters learn; nothing looks wrong.

    Found:

        z = encoder(x).detach()
        loss = mse_loss(decoder(z), x)

    Left alone, since `encoder` also gets a gradient through the predictor:

        loss = mse_loss(predictor(encoder(x)), encoder(y).detach())

    Instead: detach only the branch that must not learn, or freeze the module where readers will see it,
    with `encoder.requires_grad_(False)`.
    """

    def wanted(cut: Cut) -> bool:
        return case.flow.trace.op_names[case.flow.trace.ops.name[cut.op]] in DETACHING

    def explain(cut: Cut, loss: str) -> tuple[str, str]:
        name = op_name(case, cut.op)
        word = ".data" if name == "data" else f"{name}()"
        return (
            f"{{where}} gets no gradient from {loss}: the only way to it is cut by {word}.",
            f"Drop {word} here; to keep a network fixed, freeze its parameters with requires_grad_(False) and let the "
            "gradient pass through.",
        )

    yield from findings(detached_path, case, wanted, explain)
