"""One finding in Markdown: its row in the table, and its details, which are folded."""

from __future__ import annotations

from collections.abc import Sequence

from gradcheck_freeze.report import by_rank
from gradcheck_freeze.report.excerpts import around, at_cause, shortened, trail
from gradcheck_freeze.report.layout import squeeze
from gradcheck_freeze.report.links import Links
from gradcheck_freeze.report.markup import code, element, fenced, folded, link, prose
from gradcheck_freeze.report.words import KINDS, shown, unobeyed
from gradcheck_freeze.rules.diagnosis import Diagnosis, RanksRecord
from gradcheck_freeze.rules.finding import Finding, Fix, Location

_MOST_PATCH = 30

MOST_TEXT = 300

_MOST_MESSAGE = 500


def row_of(finding: Finding, links: Links, ranks: RanksRecord | None) -> tuple[list[str], bool]:
    """Return the cells of a finding, and whether its fix had to be cut."""
    where = code(squeeze(shown(finding.where or "everywhere"), 60))
    if finding.cause is not None:
        where += f"<br>{_place(finding.cause, links)}"
    if found_on := by_rank.found_on(finding, ranks):
        where += f"<br><sub>{prose(found_on)}</sub>"
    what = prose(finding.message.replace("\n", " "), _MOST_MESSAGE)
    cut = False
    if finding.fix is not None:
        text = finding.fix.text.replace("\n", " ")
        cut = len(shown(text, 100_000)) > MOST_TEXT
        what += f"<br>**Fix:** {prose(text, MOST_TEXT)}"
    what += f"<br><sub>{prose(finding.rule)} {prose(finding.name)}</sub>"
    return [f"**{KINDS[finding.kind]}**<br>{finding.severity.word}", where, what], cut


def _place(location: Location, links: Links) -> str:
    label = code(f"{squeeze(shown(location.path, MOST_TEXT), 50)}:{location.line}")
    return link(label, links.url(location.path, location.line))


def detail_of(finding: Finding, diagnosis: Diagnosis, *, cut: bool, again: bool, opened: bool) -> str:
    """Return the details under the table; `cut` says that the row has not the whole fix, `again` that the line was shown."""
    parts = []
    if len(shown(finding.message, 100_000)) > _MOST_MESSAGE:
        parts.append("<br>".join(prose(line) for line in finding.message.split("\n")))
    cause = finding.cause
    excerpt = [] if cause is None or again else _excerpt(cause, diagnosis)
    if excerpt:
        parts.append(fenced(excerpt, "python"))
    steps = trail(finding)
    if steps:
        parts += ["From the loss back to the parameters:", fenced(_trail(steps, cause))]
    parts += _fix(finding.fix, whole=cut) if finding.fix else []
    if not parts:
        return ""
    title = f"<b>{finding.severity.word} {element(f'{finding.rule} {finding.name}')}</b>"
    title += f" {element(squeeze(shown(finding.where), 60))}" if finding.where else ""
    if cause is not None:
        title += f" at {element(f'{squeeze(shown(cause.path, MOST_TEXT), 50)}:{cause.line}')}"
        title += f" in {element(cause.function, 60)}" if cause.function not in ("", "<module>") else ""
    return folded(title, *parts, opened=opened)


def _fix(fix: Fix, *, whole: bool) -> list[str]:
    """Return what the row of the finding has no room for: the rest of the text, the patch, and whether it was tried."""
    tried = {None: "", True: " (verified: the faults are gone with it)", False: " (not verified)"}[fix.verified]
    text = "<br>".join(prose(line) for line in fix.text.split("\n")) if whole else ""
    if not (text or fix.patch or tried):
        return []
    said = f"**Fix{tried}:** {text}" if text else f"The fix as a patch{tried}:" if fix.patch else f"The fix{tried}."
    return [said, *([fenced(_patch(fix.patch), "diff")] if fix.patch else [])]


def _excerpt(cause: Location, diagnosis: Diagnosis) -> list[str]:
    lines = around(cause, diagnosis.excerpts)
    gutter = len(str(lines[-1].number)) if lines else 0
    return [
        f"{'>' if line.blamed else ' '} {line.number:>{gutter}} | {shown(line.code, MOST_TEXT)}".rstrip()
        for line in lines
    ]


def _trail(steps: Sequence[Location], cause: Location | None) -> list[str]:
    found = []
    places = {step: squeeze(f"{shown(step.path, MOST_TEXT)}:{step.line}", 60) for step in steps}
    width = max(map(len, places.values()))
    for step in shortened(steps, cause):
        mark = ">" if step and at_cause(step, cause) else " "
        line = f"{mark} {places[step]:<{width}}  {shown(step.text)}".rstrip() if step else "  …"
        found.append(unobeyed(line))
    return found


def _patch(patch: str) -> list[str]:
    lines = patch.rstrip("\n").split("\n")
    found = [shown(line.expandtabs(4), MOST_TEXT) for line in lines[:_MOST_PATCH]]
    if len(lines) > _MOST_PATCH:
        found.append(f" … {len(lines) - _MOST_PATCH:,} more lines")
    return [unobeyed(line if line[:1] in ("+", "-", "@", " ") else f" {line}") for line in found]
