"""GF305."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gradcheck_freeze.flow.walk import Walk, walk
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule


@rule("GF305", kind="waste", severity=Severity.NOTE)
def graph_retained_in_vain(case: Case) -> Iterator[Finding]:
    """A backward keeps its graph with `retain_graph=True`, and no other backward ever walks it.

    Why it matters: what the ops saved for their derivatives stays in memory until the loss is overwritten, beside that of the
    next step. And the flag hides the error by which torch would tell that a graph grows from step to step.

    Found:

        loss.backward(retain_graph=True)
        optimizer.step()

    Left alone: a graph of which any part is walked again, by a second loss on shared activations, a penalty on gradients or
    the next loss of a list, be it after some of the calls only; `create_graph=True`; a graph with ops that were not seen; the last
    call before the window closed.

    Instead: leave the flag out; where two losses share a graph, every backward but the last needs it.
    """
    trace = case.flow.trace
    walks: dict[int, Walk] = {}

    def walked(number: int) -> Walk:
        if number not in walks:
            walks[number] = walk(trace, trace.backwards[number].roots)
        return walks[number]

    for loss in case.flow.losses:
        kept = [b for b in loss.backwards if trace.backwards[b].retain_graph and not trace.backwards[b].create_graph]
        if (
            trace.script is None or trace.closed != "the program ended"
        ):  # a trial of ours keeps the graph for its caller
            kept = [b for b in kept if b < loss.backwards[-1]]
        if not kept or any(_walked_again(len(trace.backwards), b, walked) for b in kept):
            continue
        seen = walked(kept[0])
        if not seen.ops:
            continue
        backward = place(trace, loss.site, "backward")
        times = f"{len(kept)} times" if len(kept) > 1 else "once"
        yield graph_retained_in_vain.finding(
            case.flow,
            seen.leaves,
            f"{loss.name} keeps the graph of {{where}} after its backward ({times}), and no other backward walks it.",
            backward,
            fix="Leave out retain_graph=True here.",
        )


def _walked_again(count: int, number: int, walked: Callable[[int], Walk]) -> bool:
    """Return whether a later backward walks some of what this one walked, or may have done so unseen."""
    own = walked(number)
    if not own.whole:
        return True
    return any(
        not own.ops.isdisjoint(walked(later).ops) or not walked(later).whole for later in range(number + 1, count)
    )
