"""GF204."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.flow.frontier import Cut
from gradcheck_freeze.rules.blame import DETACHING, LEAVING
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.cut_paths import findings, op_name
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import GRAD, NONE, REQUIRES_GRAD

_SELECTING = frozenset({"gather", "index_select", "__getitem__", "take_along_dim", "take"})


@rule("GF204", kind="blockage", severity=Severity.ERROR)
def path_without_derivative(case: Case) -> Iterator[Finding]:
    """A trainable parameter reaches the loss only through an op that has no derivative.

    Why it matters: `argmax`, comparisons, casts to integers and indexing by a computed value give results that do not
    depend smoothly on their input; autograd does not follow them.

    Found:

        choice = logits.argmax(1)
        loss = criterion(reader(one_hot(choice)), y)

        scores, kept = scorer(tokens).topk(8, dim=1)
        tokens = tokens.gather(1, kept.unsqueeze(-1).expand(-1, -1, d))    # and the scores are not used

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
        if _selects(case, cut) != NONE:
            given = place(case.flow.trace, case.flow.trace.ops.site[cut.op])
            at = f" at line {given.line}" if given else ""
            return (
                f"{{where}} gets no gradient from {loss}: of what {name}(){at} gives only the indices are used, to select; "
                "the values beside them would carry gradient.",
                "Weigh what is selected by the values too, or use a straight-through estimator or a soft selection.",
            )
        if name == "CheckpointFunction":
            return (
                f"{{where}} gets no gradient from {loss}: this re-entrant checkpoint has no input that requires grad.",
                "Pass use_reentrant=False, or let an input of the checkpoint require grad.",
            )
        return (
            f"{{where}} gets no gradient from {loss}: {name} here has no derivative.",
            "Use a soft version (softmax, gumbel_softmax, grid_sample), or a straight-through estimator.",
        )

    yield from findings(path_without_derivative, case, wanted, explain, cause=lambda cut: _selection(case, cut))


def _selection(case: Case, cut: Cut) -> Location | None:
    """Return the line at which indices select, where the values that came with them are what is missing."""
    op = _selects(case, cut)
    return place(case.flow.trace, case.flow.trace.ops.site[op], op_name(case, op)) if op != NONE else None


def _selects(case: Case, cut: Cut) -> int:
    """Return the op that selects, from what carries gradient, by indices that came with values which carry gradient.

    NONE where the cut gives nothing beside the indices, as `argmax` does, or where something else is made of them.
    """
    ops, flags = case.flow.trace.ops, case.flow.trace.values.flags
    made = ops.outputs[ops.first_output[cut.op] : ops.first_output[cut.op + 1]]
    if not any(flags[v] & REQUIRES_GRAD for v in made):
        return NONE
    indices = {edge.result for edge in cut.edges if edge.op == cut.op}
    for op in range(cut.op + 1, len(ops)):
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        if indices.isdisjoint(read):
            continue
        given = [v for v in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]] if case.flow.data[v]]
        if any(flags[v] & REQUIRES_GRAD for v in read) and given:
            return op if case.flow.trace.op_names[ops.name[op]] in _SELECTING else NONE
        indices.update(given)
    return NONE
