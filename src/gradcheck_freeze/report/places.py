"""The place of a finding as a build server knows it: one line of a file of the repository."""

from __future__ import annotations

from dataclasses import dataclass

from gradcheck_freeze.report.links import Links
from gradcheck_freeze.rules.diagnosis import Diagnosis
from gradcheck_freeze.rules.finding import Finding, Location


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, by its path from the top of the repository."""

    path: str
    line: int
    location: Location | None = None  # what is known of it


def anchor(finding: Finding, diagnosis: Diagnosis, links: Links) -> Place | None:
    """Return where to show a finding: its cause, else the step of its trail nearest to it, else a loss or the program.

    None where none of them lies in the repository.
    """
    steps = finding.trail
    middle = steps.index(finding.cause) if finding.cause in steps else 0
    near = sorted(range(len(steps)), key=lambda index: abs(index - middle))
    candidates = [finding.cause, *(steps[index] for index in near), *(loss.location for loss in diagnosis.losses)]
    for location in candidates:
        path = links.path(location.path) if location else None
        if location and path:
            return Place(path, max(1, location.line), location)
    path = links.path(diagnosis.script.path) if diagnosis.script else None
    return Place(path, 1) if path else None


def unique(findings: list[Finding]) -> list[str]:
    """Return a name for each finding that no other one has and that stays when lines above it move."""
    seen: dict[str, int] = {}
    found = []
    for finding in findings:
        seen[finding.fingerprint] = seen.get(finding.fingerprint, 0) + 1
        found.append(f"{finding.fingerprint}:{seen[finding.fingerprint]}")
    return found
