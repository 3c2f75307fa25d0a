"""GF219."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.rule import rule


@rule("GF219", kind="blockage", severity=Severity.ERROR)
def result_never_used(case: Case) -> Iterator[Finding]:
    """What would pass the gradient on is computed and never used; something it is made of is used in its stead.

    Why it matters: the numbers may be the same, so nothing shows, but the gradient stops short of what computed the rest.

    Found:

        codes = codebook(nearest)
        quantized = latent + (codes - latent).detach()     # straight through, and never read
        return codes

    Left alone: a variable that anything reads, a name that begins with an underscore, and a result in whose stead something
    is used that passes the gradient on to the same parameters.

    Instead: use the result where what it is made of is used now.
    """
    places: dict[tuple[str, Location], list[int]] = {}
    for tensor, (name, line) in sorted(case.unused.items()):
        places.setdefault((name, line), []).append(tensor)
    for (name, line), tensors in places.items():
        yield result_never_used.finding(
            case.flow,
            tensors,
            f"{{where}} gets no gradient through {name}, which is computed and never used: what is used here in its stead passes "
            "none on.",
            line,
            fix=f"Use {name} here.",
        )
