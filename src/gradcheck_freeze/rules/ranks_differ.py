"""GF401."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from gradcheck_freeze.rules.across import Across, Word, called
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Fix, Severity
from gradcheck_freeze.rules.rule import rule


@rule("GF401", kind="hazard", severity=Severity.ERROR)
def ranks_differ(case: Case) -> Iterator[Finding]:
    """A parameter that is the same on all ranks is frozen, or stands still, on some of them only.

    Why it matters: processes that train one model together must treat it alike. Where one of them freezes a parameter
    or leaves it out of its optimizer, the copies drift apart or the ranks wait for each other for ever.

    Found:

        if rank == 0:
            model.head.requires_grad_(False)      # frozen on rank 0 only

    Left alone: ranks that hold different parts of a model, parameters that differ from the start, a rank that made
    fewer steps, and processes that nothing keeps equal.

    Instead: freeze, and build the optimizer, in the same way on every rank.
    """
    yield from ()  # one process has nothing to compare with: `differing` does it for all


def differing(across: Across) -> Iterator[Finding]:
    """Return what is frozen or stands still on some ranks only, one finding for each set of ranks."""
    ways: tuple[tuple[str, Callable[[Word], bool]], ...] = (
        ("does not require gradient", lambda word: not word.requires_grad),
        ("is not updated", lambda word: not word.updated),
    )
    said: set[str] = set()
    for what, odd in ways:
        found: dict[tuple[tuple[int, ...], bool], list[str]] = defaultdict(list)
        for name in sorted(across.words):
            words = across.words[name]
            if name in said or len({odd(word) for word in words}) < 2 or not across.same(name):
                continue
            if what == "is not updated" and len({word.steps for word in words}) > 1:
                continue
            if across.promised(name):
                ranks = sorted(rank for word, by in words.items() if odd(word) for rank in by)
                left_out = all(not word.held for word in words if odd(word)) and any(word.held for word in words)
                found[tuple(ranks), left_out].append(name)
        for (on, left_out), names in found.items():
            said.update(names)
            where = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more"
            why = " (there it is in no optimizer)" if left_out else ""
            cause = next((across.declared[n] for n in names if n in across.declared), None)
            yield Finding(
                "GF401",
                ranks_differ.name,
                ranks_differ.kind,
                ranks_differ.severity,
                tuple(names),
                where,
                f"{where} {what} on {called(on)} of {across.world_size}{why}; on the others it is otherwise.",
                cause,
                (cause,) if cause else (),
                Fix("Freeze, and build the optimizer, in the same way on every rank."),
                ranks=on,
            )
