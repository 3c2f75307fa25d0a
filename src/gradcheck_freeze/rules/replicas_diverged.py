"""GF402."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gradcheck_freeze.rules.across import Across
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Fix, Severity
from gradcheck_freeze.rules.rule import rule


@rule("GF402", kind="hazard", severity=Severity.ERROR)
def replicas_diverged(case: Case) -> Iterator[Finding]:
    """A parameter that was equal on all ranks is no longer equal after a step.

    Why it matters: what is averaged over the ranks from then on are gradients of different models.

    Found:

        model = DistributedDataParallel(model)
        head = nn.Linear(8, 1)                    # outside the wrapper: nothing averages its gradient

    Left alone: buffers, processes that nothing keeps equal (local SGD, independent runs), experts and stages that
    differ from the start, sharded parameters, and what a wrapper was asked to leave out.

    Instead: put every shared parameter into the wrapper, or average its gradient yourself.
    """
    yield from ()  # one process has nothing to compare with: `diverged` does it for all


def diverged(across: Across) -> Iterator[Finding]:
    """Return what was equal on all ranks before the first step and differs after one, one finding for each root."""
    found: dict[str, list[str]] = defaultdict(list)
    first: dict[str, int] = {}
    for name in sorted(across.words):
        words = across.words[name]
        frozen_somewhere = len({(word.requires_grad, word.updated) for word in words}) > 1
        if len(words) < 2 or frozen_somewhere or not across.same(name):
            continue
        step = _first_difference(across, name)
        if step and across.promised(name):
            root = name.partition(".")[0]
            found[root].append(name)
            first[root] = min(step, first.get(root, step))
    for root, names in sorted(found.items()):
        where = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more"
        cause = next((across.declared[n] for n in names if n in across.declared), None)
        yield Finding(
            "GF402",
            replicas_diverged.name,
            replicas_diverged.kind,
            replicas_diverged.severity,
            tuple(names),
            where,
            f"{where} was equal on all ranks and differs between them after step {first[root]}.",
            cause,
            (cause,) if cause else (),
            Fix("Put every shared parameter into the wrapper, or average its gradient over the ranks before the step."),
        )


def _first_difference(across: Across, name: str) -> int:
    """Return the first step after which ranks hold different values, 0 for none; they must have been equal before."""
    held: dict[tuple[int, str], set[str]] = defaultdict(set)
    for word in across.words[name]:
        for optimizer, step, value in word.prints:
            held[step, optimizer].add(value)
    unequal = sorted(step for (step, _), values in held.items() if len(values) > 1)
    return unequal[0] if unequal else 0
