"""GF212."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule


@rule("GF212", kind="blockage", severity=Severity.ERROR)
def unreached_by_loss(case: Case) -> Iterator[Finding]:
    """A trainable parameter gets no gradient from a loss whose forward was not watched.

    Why it matters: the engine was asked for the gradient and has none, so the parameter cannot learn from this loss. Without
    the forward there is no line to name.

    Found:

        loss = criterion(decoder(encoder(x).detach()), x)
        diagnose({"encoder": encoder, "decoder": decoder}, loss)

    Left alone: parameters that do not require grad, and those that another of the given losses reaches.

    Instead: pass a function that computes the loss, `diagnose(model, lambda: criterion(model(x), y))`, to learn the line.
    """
    if not case.forward_unseen:
        return
    tensors = case.unread | case.off_path | case.uncut
    if tensors:
        names = ", ".join(loss.name for loss in case.flow.losses)
        yield unreached_by_loss.finding(
            case.flow,
            tensors,
            f"{{where}} gets no gradient from {names}.",
            place(case.flow.trace, case.flow.losses[0].site, "loss"),
            fix="Pass a function that computes the loss instead of the loss, and the report names the line that cuts it off.",
        )
