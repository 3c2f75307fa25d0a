"""One finding as lines for a terminal: what is wrong, the marked line, the trail that leads there, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.text import Text

from gradcheck_freeze.report.excerpts import around, at_cause, blamed_call, shortened, trail
from gradcheck_freeze.report.layout import crop, fold, wrap
from gradcheck_freeze.report.words import shown
from gradcheck_freeze.rules.diagnosis import Excerpt
from gradcheck_freeze.rules.finding import Finding, Fix, Location, Severity

COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
_MOST_ROWS = 4  # that one marked line may take
_MOST_PATCH = 20
_MOST_TEXT = 2_000


def lines(finding: Finding, excerpts: Sequence[Excerpt], width: int) -> list[Text]:
    """Return the finding in at most `width` columns; only a path or a patch may be wider, so that it can be copied."""
    head = Text().append(f"{finding.severity.word} {shown(finding.rule)}", COLOURS[finding.severity])
    head.append(f" {shown(finding.name)}", "bold")
    found = [head, *_paragraphs(finding.message, width, "  ")]
    if finding.cause is not None:
        found += [_place(finding.cause), *_excerpt(finding.cause, excerpts, width)]
    found += _trail(finding, width)
    if finding.fix is not None:
        found += _fix(finding.fix, width)
    return found


def _paragraphs(text: str, width: int, indent: str) -> list[Text]:
    return [line for part in text.split("\n") for line in wrap(Text(shown(part, _MOST_TEXT)), width, indent)]


def _place(cause: Location) -> Text:
    text = Text().append("  --> ", "cyan").append(f"{shown(cause.path, _MOST_TEXT)}:{cause.line}", "bold")
    if cause.function not in ("", "<module>"):
        text.append(f" in {shown(cause.function, 60)}", "default")
    return text


def _excerpt(cause: Location, excerpts: Iterable[Excerpt], width: int) -> list[Text]:
    source = around(cause, excerpts)
    gutter = len(str(source[-1].number)) if source else 0
    call = blamed_call(cause, source)
    found = []
    for line in source:
        head = Text().append("  > " if line.blamed else "    ", "bold red")
        head.append(f"{line.number:>{gutter}} | ", "cyan")
        if line.blamed:
            found += _marked(head, line.code, call.search(line.code) if call else None, width)
        else:
            found.append(head.append(crop(shown(line.code, _MOST_TEXT), width - len(head)), "dim"))
            head.rstrip()
    return found


def _marked(head: Text, code: str, call: re.Match[str] | None, width: int) -> list[Text]:
    """Return a line to blame over as many rows as it needs, with the call underlined where it is whole in one row."""
    rows = fold(shown(code, _MOST_TEXT), max(20, width - len(head)))
    below, found = Text().append(" " * (len(head) - 2) + "| ", "cyan"), []
    start, end = (-1, -1) if call is None else (len(shown(code[:place], _MOST_TEXT)) for place in call.span())
    at = 0
    for index, row in enumerate(rows[:_MOST_ROWS]):
        line = (below if index else head) + Text(row, "bold")
        line.rstrip()
        found.append(line)
        if at <= start and end <= at + len(row):
            space = " " * cell_len(row[: start - at])
            found.append(below + Text(f"{space}{'^' * cell_len(row[start - at : end - at])}", "bold red"))
        at += len(row)
    return found


def _trail(finding: Finding, width: int) -> list[Text]:
    steps = trail(finding)
    if not steps:
        return []
    places = {step: f"{shown(step.path, _MOST_TEXT)}:{step.line}" for step in steps}
    column = min(max(cell_len(place) for place in places.values()), width // 2)
    found = [Text("  from the loss back to the parameters:", "dim")]
    for step in shortened(steps, finding.cause):
        if step is None:
            found.append(Text("      …", "dim"))
            continue
        here, place = at_cause(step, finding.cause), places[step]
        line = Text().append("    > " if here else "      ", "bold red")
        line.append(place + " " * (column - cell_len(place)), "bold" if here else "dim")
        text = shown(step.text, _MOST_TEXT)
        if cell_len(line.plain) + 2 + min(cell_len(text), 20) > width:  # a long path keeps its line to itself
            found.append(line)
            line = Text("        ")
        else:
            line.append("  ")
        line.append(crop(text, width - cell_len(line.plain)), "bold" if here else "")
        line.rstrip()
        found.append(line)
    return found


def _fix(fix: Fix, width: int) -> list[Text]:
    tried = {None: "", True: " (verified: the faults are gone with it)", False: " (not verified)"}[fix.verified]
    found: list[Text] = []
    for part in f"{fix.text}{tried}".split("\n"):
        label = Text("       ") if found else Text("  fix: ", "bold green")
        found += wrap(Text(shown(part, _MOST_TEXT)), width, "       ", first=label)
    patch = fix.patch.rstrip("\n").split("\n") if fix.patch else []
    for line in patch[:_MOST_PATCH]:
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        found.append(Text("    ").append(shown(line.expandtabs(4), _MOST_TEXT), style))
    if len(patch) > _MOST_PATCH:
        found.append(Text(f"    … {len(patch) - _MOST_PATCH} more lines", "dim"))
    return found
