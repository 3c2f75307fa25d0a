"""The comparison on a terminal: the verdict, one line per module that changed, the new findings in full."""

from __future__ import annotations

from typing import TextIO

from rich.text import Text

from gradcheck_freeze.report import faults, terminal
from gradcheck_freeze.report.change.sentences import headline, sentence, totals
from gradcheck_freeze.report.change.value import Change, Shift
from gradcheck_freeze.report.layout import wrap
from gradcheck_freeze.report.tables import many
from gradcheck_freeze.report.words import shown
from gradcheck_freeze.rules.diagnosis import Diagnosis
from gradcheck_freeze.rules.finding import Finding, Severity

_NARROWEST = 40
_MOST_SHIFTS = 20
_MOST_FINDINGS = 8
_STYLES = {"trained": "green", "new": "green", "blocked": "magenta", "frozen": "blue", "gone": "dim"}


def write(change: Change, head: Diagnosis, stream: TextIO, full: bool = True) -> None:
    """Print the comparison; without `full` the findings come as one line each, for below a report that has them."""
    terminal.put(lambda width: _lines(change, head, width, full), stream)


def render(change: Change, head: Diagnosis, width: int = 80) -> str:
    """Return the comparison as plain text; only a path or a patch makes a line wider than `width` columns."""
    return "".join(f"{line.plain}\n" for line in _lines(change, head, width, full=True))


def _lines(change: Change, head: Diagnosis, width: int, full: bool) -> list[Text]:
    width = max(_NARROWEST, width)
    loud = any(finding.severity > Severity.NOTE for finding in change.new)
    title = Text().append("gradcheck-freeze diff: ", "bold")
    title.append(headline(change), "bold red" if loud else "bold")
    parts = [wrap(title, width, ""), _shifts(change.shifts, width), _totals(change, width)]
    if full:
        parts += [faults.lines(finding, head.excerpts, width) for finding in change.new[:_MOST_FINDINGS]]
    rest = change.new[_MOST_FINDINGS:] if full else change.new
    parts += [_listed("new", rest, width), _listed("gone", change.gone, width)]
    parts += [_listed("now ignored", change.accepted, width), _caveats(change, width)]
    parts += [_kept(change, width)] if full else []
    return terminal.joined(parts)


def _shifts(shifts: tuple[Shift, ...], width: int) -> list[Text]:
    found = []
    for shift in shifts[:_MOST_SHIFTS]:
        mark = {"new": "+ ", "gone": "- "}.get(shift.kind, "~ ")
        line = Text(sentence(shift, _name) + ".", _STYLES.get(shift.kind, ""))
        found += wrap(line, width, "    ", first=Text(f"  {mark}", "bold"))
    more = len(shifts) - _MOST_SHIFTS
    return [*found, Text(f"  … and {many(more, 'more change')}", "dim")] if more > 0 else found


def _totals(change: Change, width: int) -> list[Text]:
    return [line for part in totals(change) for line in wrap(Text(part), width)]


def _listed(word: str, findings: tuple[Finding, ...], width: int) -> list[Text]:
    found = []
    for finding in findings[:_MOST_FINDINGS]:
        place = f" ({shown(finding.cause.path)}:{finding.cause.line})" if finding.cause else ""
        text = Text(
            f"{finding.severity.word} {shown(finding.rule)} {shown(finding.name)}: {shown(finding.where)}{place}"
        )
        style = faults.COLOURS[finding.severity] if word == "new" else "dim"
        found += wrap(text, width, "    ", first=Text(f"{word}: ", style))
    more = len(findings) - _MOST_FINDINGS
    return [*found, Text(f"{word}: {more:,} more", "dim")] if more > 0 else found


def _kept(change: Change, width: int) -> list[Text]:
    if not change.kept:
        return []
    text = f"{many(len(change.kept), 'finding')} of the base still there; gradcheck-freeze report shows them."
    return wrap(Text(text, "dim"), width, "")


def _caveats(change: Change, width: int) -> list[Text]:
    return [
        line
        for caveat in change.caveats[:_MOST_FINDINGS]
        for line in wrap(Text(shown(caveat, 400)), width, "      ", first=Text("note: ", "bold cyan"))
    ]


def _name(text: str) -> str:
    return shown(text, 100)
