"""The findings as GitLab's Code Quality report: a list that a merge request compares with that of its target branch."""

from __future__ import annotations

from gradcheck_freeze.report.json import dumps
from gradcheck_freeze.report.links import NOWHERE, Links
from gradcheck_freeze.report.places import anchor, unique
from gradcheck_freeze.report.verdict import loudest_first
from gradcheck_freeze.report.words import shown
from gradcheck_freeze.rules.diagnosis import Diagnosis
from gradcheck_freeze.rules.finding import Severity

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}
_UNKNOWN = "gradcheck-freeze"  # the report must name a file; this is none


def render(diagnosis: Diagnosis, links: Links = NOWHERE) -> str:
    """Return the report as JSON; equal fingerprints would be folded into one, so each is unique."""
    findings = loudest_first(diagnosis.findings)
    entries = []
    for finding, fingerprint in zip(findings, unique(findings), strict=True):
        place = anchor(finding, diagnosis, links)
        entries.append(
            {
                "description": shown(finding.message.replace("\n", " "), 2_000),
                "check_name": shown(f"{finding.rule} {finding.name}"),
                "fingerprint": fingerprint,
                "severity": _SEVERITIES[finding.severity],
                "location": {
                    "path": shown(place.path, 2_000) if place else _UNKNOWN,
                    "lines": {"begin": place.line if place else 1},
                },
            }
        )
    return dumps(entries)
