"""GF214."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE


@rule("GF214", kind="blockage", severity=Severity.ERROR)
def padding_row_is_an_entry(case: Case) -> Iterator[Finding]:
    """The row of an embedding that `padding_idx` keeps from learning stands for a real entry.

    Why it matters: the gradient of that row is dropped, so one entity, token or class never learns. The others do, and
    nothing looks wrong.

    Found:

        self.entity = nn.Embedding(n_entities, d, padding_idx=0)     # entity 0 is an entity like the others
        scores = x @ self.entity(torch.arange(n_entities)).t()

    Left alone: padding at the end or the beginning of sequences, and rows of zeros that stand for a missing feature.

    Instead: drop `padding_idx`, or shift the indices by one so that row 0 is padding only.
    """
    trace = case.flow.trace
    for lookup in trace.lookups:
        if lookup.tensor not in case.intent.learn or not case.flow.tensors[lookup.tensor].received:
            continue
        declared = trace.tensors[lookup.tensor].declared
        used = place(trace, lookup.site, "embedding")
        how = "every row is looked up as an entry" if lookup.whole else "it is looked up between other entries"
        at = f" at line {used.line}" if used else ""
        yield padding_row_is_an_entry.finding(
            case.flow,
            (lookup.tensor,),
            f"Row {lookup.row} of {{where}} never learns: padding_idx={lookup.row} drops its gradient, yet {how}{at}.",
            place(trace, declared, "padding_idx") if declared != NONE else used,
            trail=tuple(p for p in (used, place(trace, declared, "padding_idx")) if p),
            fix="Drop padding_idx, or shift the indices by one so that this row is used for padding only.",
        )
