"""The comparison as Markdown for a pull request: what changed by module, then the new findings, each once."""

from __future__ import annotations

from gradcheck_freeze.report.change.sentences import headline, sentence, totals
from gradcheck_freeze.report.change.value import Change
from gradcheck_freeze.report.links import NOWHERE, Links
from gradcheck_freeze.report.markup import code, fenced, link, prose
from gradcheck_freeze.report.tables import many
from gradcheck_freeze.report.words import shown
from gradcheck_freeze.rules.diagnosis import Diagnosis
from gradcheck_freeze.rules.finding import Finding, Location, Severity

_MOST_SHIFTS = 20
_MOST_FINDINGS = 10
_MOST_TEXT = 600  # characters of a message or a fix
_MARKS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTE: "ℹ️"}


def render(change: Change, _head: Diagnosis, links: Links = NOWHERE, full: bool = True) -> str:
    """Return the comparison, always well below the 65,536 characters that a comment may have.

    Without `full` the new findings come as one line each, for above a report that tells them.
    """
    parts = [f"### What this change did: {headline(change)}", _shifts(change)]
    told = change.new[:_MOST_FINDINGS] if full else ()
    parts += [_finding(finding, links) for finding in told]
    parts += [
        _listed("New too" if told else "New", change.new[len(told) :], links),
        _listed("Gone", change.gone, links),
    ]
    parts += [_listed("Now ignored by configuration", change.accepted, links)]
    parts += [f"> {prose(caveat, _MOST_TEXT)}" for caveat in change.caveats[:_MOST_FINDINGS]]
    return "\n\n".join(filter(None, parts)) + "\n"


def _shifts(change: Change) -> str:
    lines = [f"- {sentence(shift, _name)}." for shift in change.shifts[:_MOST_SHIFTS]]
    more = len(change.shifts) - _MOST_SHIFTS
    lines += [f"- … and {many(more, 'more change')}"] if more > 0 else []
    return "\n".join([*lines, *(f"- {part[0].upper()}{part[1:]}." for part in totals(change))])


def _finding(finding: Finding, links: Links) -> str:
    lines = [
        f"{_MARKS[finding.severity]} **New {finding.severity.word} {prose(finding.rule)} {prose(finding.name)}**: "
        + prose(finding.message, _MOST_TEXT)
    ]
    if finding.cause is not None:
        lines.append(f"{_place(finding.cause, links)}:")
        lines.append(
            fenced([f"> {finding.cause.line} | {shown(finding.cause.text, _MOST_TEXT)}"], "python")
            if finding.cause.text
            else ""
        )
    if finding.fix is not None:
        lines.append(f"Fix: {prose(finding.fix.text, _MOST_TEXT)}")
    return "\n\n".join(filter(None, lines))


def _listed(title: str, findings: tuple[Finding, ...], links: Links) -> str:
    if not findings:
        return ""
    lines = [f"**{title}:**", ""]
    for finding in findings[:_MOST_FINDINGS]:
        place = f" ({_place(finding.cause, links)})" if finding.cause else ""
        lines.append(
            f"- {finding.severity.word} {prose(finding.rule)} {prose(finding.name)} on {_name(finding.where)}{place}"
        )
    more = len(findings) - _MOST_FINDINGS
    return "\n".join([*lines, *([f"- … and {more:,} more"] if more > 0 else [])])


def _place(cause: Location, links: Links) -> str:
    return link(code(f"{cause.path}:{cause.line}"), links.url(cause.path, cause.line))


def _name(text: str) -> str:
    return code(text, 100)
