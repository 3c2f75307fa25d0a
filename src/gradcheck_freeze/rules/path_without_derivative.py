"""GF204."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.flow.frontier import Cut
from gradcheck_freeze.rules.case import DETACHING, LEAVING, Case
from gradcheck_freeze.rules.cut_paths import findings, op_name
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import GRAD


@rule("GF204", kind="blockage", severity=Severity.ERROR)
def path_without_derivative(case: Case) -> Iterator[Finding]:
    """A trainable parameter reaches the loss only through an op that has no derivative.

    Why it matters: `argmax`, comparisons, casts to integers and indexing by a computed value give results that do not
    depend smoothly on their input; autograd does not follow them.

    Found:

        choice = logits.argmax(1)
        loss = criterion(reader(one_hot(choice)), y)

    Left alone: an index or mask beside a path that does carry gradient, as in a mixture of experts or a VQ-VAE with a
    straight-through estimator.

    Instead: a soft version (`softmax`, `gumbel_softmax`), a straight-through estimator, or a score-function gradient.
    """

    def wanted(cut: Cut) -> bool:
        ops = case.flow.trace.ops
        name = case.flow.trace.op_names[ops.name[cut.op]]
        return ops.mode[cut.op] == GRAD and name not in DETACHING and name not in LEAVING

    def explain(cut: Cut, loss: str) -> tuple[str, str]:
        name = op_name(case, cut.op)
        if name == "CheckpointFunction":
            return (
                f"{{where}} gets no gradient from {loss}: this re-entrant checkpoint has no input that requires grad.",
                "Pass use_reentrant=False, or let an input of the checkpoint require grad.",
            )
        return (
            f"{{where}} gets no gradient from {loss}: {name} here has no derivative.",
            "Use a soft version (softmax, gumbel_softmax, grid_sample), or a straight-through estimator.",
        )

    yield from findings(path_without_derivative, case, wanted, explain)
