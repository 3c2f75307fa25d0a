"""GF110."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE


@rule("GF110", kind="leak", severity=Severity.ERROR)
def frozen_written(case: Case) -> Iterator[Finding]:
    """A frozen parameter is written again and again by the program itself, outside every optimizer step.

    Why it matters: `requires_grad=False` keeps the optimizer away, not an in-place op. Clipping, renormalising or decaying
    "all parameters" reaches the frozen ones too.

    Found:

        features.requires_grad_(False)
        for p in critic.parameters():          # features is a part of critic
            p.data.clamp_(-0.01, 0.01)

        nn.Embedding.from_pretrained(vectors, freeze=True, max_norm=1.0)     # every lookup rescales

    Left alone: averages and copies of a trained network (EMA teachers, target networks), and what is written once.

    Instead: leave frozen parameters out of the loop: `if p.requires_grad`.
    """
    trace = case.flow.trace
    ops = trace.ops
    groups: dict[tuple[Location | None, str], list[int]] = {}
    for tensor in sorted(case.intent.fixed - case.intent.tried):
        writes = [trace.writes[w] for w in case.flow.tensors[tensor].written]
        by_itself = [w for w in writes if w.op != NONE and _of_nothing_else(case, w.op)]
        if trace.tensors[tensor].kind == "parameter" and len(by_itself) > 1 and len(by_itself) == len(writes):
            op = by_itself[0].op
            name = trace.op_names[ops.name[op]]
            groups.setdefault((place(trace, by_itself[0].site, name), name), []).append(tensor)
    for (cause, name), tensors in groups.items():
        yield frozen_written.finding(
            case.flow,
            tensors,
            f"{{where}} must stay frozen, but {name}() here writes into it in every step.",
            cause,
            fix="Leave out what does not require grad, or do this before the training starts.",
        )


def _of_nothing_else(case: Case, op: int) -> bool:
    """Return whether an op writes what it makes of the tensor alone, as a clipping does, not what comes from another."""
    ops = case.flow.trace.ops
    name = case.flow.trace.op_names[ops.name[op]]
    return name == "embedding" or (
        ops.first_input[op + 1] - ops.first_input[op] == 1 and name not in ("data", "copy_", "set_")
    )
