"""Says on how many ranks a training ran, and on which of them a finding was made; nothing where there was one process."""

from __future__ import annotations

from gradcheck_freeze.rules.across import called
from gradcheck_freeze.rules.diagnosis import RanksRecord
from gradcheck_freeze.rules.finding import Finding


def trained_on(ranks: RanksRecord | None) -> str:
    """Return how many ranks trained together, and which of them left no report: "on 4 ranks, rank 2 left no report"."""
    if ranks is None:
        return ""
    lost = f", {called(ranks.missing)} left no report" if ranks.missing else ""
    return f"on {ranks.world_size:,} rank{'' if ranks.world_size == 1 else 's'}{lost}"


def found_on(finding: Finding, ranks: RanksRecord | None) -> str:
    """Return which ranks a finding belongs to: "rank 1 of 4 only", "both ranks"."""
    if ranks is None:
        return f"{called(finding.ranks)} only" if finding.ranks else ""
    if finding.ranks:
        return f"{called(finding.ranks)} of {ranks.world_size:,} only"
    if len(ranks.reported) < 2:
        return called(ranks.reported) if ranks.reported else ""
    every = "both" if len(ranks.reported) == 2 else f"all {len(ranks.reported):,}"
    return f"{every} ranks{' that reported' if ranks.missing else ''}"


def pictured(ranks: RanksRecord | None) -> str:
    """Return whose step the picture shows, where there are several: "as rank 0 of 4 saw it"."""
    return f"as rank {ranks.pictured:,} of {ranks.world_size:,} saw it" if ranks else ""
