"""GF203."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.flow.frontier import Cut
from gradcheck_freeze.rules.blame import LEAVING
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.cut_paths import cause_of, findings, op_name
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import GRAD


@rule("GF203", kind="blockage", severity=Severity.ERROR)
def path_leaves_torch(case: Case) -> Iterator[Finding]:
    """A trainable parameter reaches the loss only as plain numbers, or through a tensor built anew from them.

    Why it matters: `.item()`, `.tolist()`, `float()`, `.numpy()`, `torch.tensor(t)` and `nn.Parameter(t)` copy or share the
    numbers without the graph. What is computed from them is a constant to autograd.

    Found:

        losses = [layer.balance for layer in layers]
        loss = torch.tensor(losses).mean()

    Left alone: numbers taken out for a log or for a decision.

    Instead: stay in torch (`torch.stack(losses).mean()`).
    """

    def wanted(cut: Cut) -> bool:
        ops = case.flow.trace.ops
        return ops.mode[cut.op] == GRAD and case.flow.trace.op_names[ops.name[cut.op]] in LEAVING

    def explain(cut: Cut, loss: str) -> tuple[str, str]:
        name = op_name(case, cut.op)
        return (
            f"{{where}} gets no gradient from {loss}: {name}() passes on the numbers without the graph.",
            "Keep the computation in torch ops: torch.stack instead of torch.tensor, tensors instead of Python numbers.",
        )

    yield from findings(path_leaves_torch, case, wanted, explain)
    groups: dict[int, list[int]] = {}
    for tensor, cut in case.leaving.items():
        groups.setdefault(cut.op, []).append(tensor)
    for tensors in groups.values():
        cut = case.leaving[tensors[0]]
        cause = cause_of(case, _origin(case, cut))
        yield path_leaves_torch.finding(
            case.flow,
            tensors,
            f"{{where}} gets no gradient: its results leave torch here by {op_name(case, cut.op)}() and come back, if at all, as "
            "constants.",
            cause,
            fix="Keep the computation in torch ops; index with tensors, and build the result with differentiable ops.",
        )


def _origin(case: Case, cut: Cut) -> Cut:
    """Return the cut at the op that dropped the gradient, where that is not the call that left torch itself."""
    ops = case.flow.trace.ops
    edge = cut.edges[0]
    reading = ops.inputs[ops.first_input[cut.op] : ops.first_input[cut.op + 1]]
    if edge.source in reading:
        return cut
    value = reading[0]
    while (made := case.flow.trace.values.op[value]) >= 0:
        read = ops.inputs[ops.first_input[made] : ops.first_input[made + 1]]
        if edge.source in read:
            return Cut((type(edge)(made, edge.source, value),), cut.tensors)
        if not read:
            break
        value = read[0]
    return cut
