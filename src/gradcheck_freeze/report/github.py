"""The findings as GitHub's workflow commands: printed in a step, they stand beside the lines of a pull request.

GitHub keeps ten errors, ten warnings and ten notices of a step, so the loudest come first, and the last one counts the others.
"""

from __future__ import annotations

from gradcheck_freeze.report.links import NOWHERE, Links
from gradcheck_freeze.report.places import anchor
from gradcheck_freeze.report.verdict import counts, loudest_first
from gradcheck_freeze.report.words import shown
from gradcheck_freeze.rules.diagnosis import Diagnosis
from gradcheck_freeze.rules.finding import Finding, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_MOST = {Severity.ERROR: 10, Severity.WARNING: 10, Severity.NOTE: 9}  # the tenth notice counts the rest
_MOST_TEXT = 2_000


def render(diagnosis: Diagnosis, links: Links = NOWHERE) -> str:
    """Return one workflow command a line; one notice where there is nothing to say."""
    findings = loudest_first(diagnosis.findings)
    kept = [
        finding
        for severity, most in _MOST.items()
        for finding in [finding for finding in findings if finding.severity == severity][:most]
    ]
    lines = [_command(finding, diagnosis, links) for finding in kept]
    left = [finding for finding in findings if not any(finding is other for other in kept)]
    if left:
        lines.append(_notice(f"{len(left):,} more ({counts(left)}) are in the report"))
    elif not diagnosis.losses:
        lines.append(_notice("no backward pass was seen, so nothing was judged"))
    return "".join(f"{line}\n" for line in lines)


def _command(finding: Finding, diagnosis: Diagnosis, links: Links) -> str:
    place = anchor(finding, diagnosis, links)
    properties = {} if place is None else {"file": place.path, "line": str(place.line)}
    properties["title"] = f"{finding.rule} {finding.name}"
    said = [*finding.message.split("\n"), *([f"Fix: {finding.fix.text}"] if finding.fix else [])]
    message = "\n".join(shown(line, _MOST_TEXT) for line in said if line.strip())
    written = ",".join(f"{key}={_property(shown(value, _MOST_TEXT))}" for key, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {written}::{_data(message or finding.rule)}"


def _notice(text: str) -> str:
    return f"::notice title=gradcheck-freeze::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
