"""One finding as lines for a terminal: what is wrong, the marked line, the trail that leads there, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from rich.cells import cell_len
from rich.text import Text

from gradcheck_freeze.report.layout import crop, fold, wrap
from gradcheck_freeze.report.words import shown
from gradcheck_freeze.rules.diagnosis import Excerpt
from gradcheck_freeze.rules.finding import Finding, Fix, Location, Severity

COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
_CONTEXT = 2  # lines shown before and after the marked ones
_MOST_MARKED = 6
_MOST_ROWS = 4  # that one marked line may take
_MOST_TRAIL = 9
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
    source = _source(cause, excerpts)
    last = min(max(cause.line, cause.end_line), cause.line + _MOST_MARKED - 1)
    numbers = [number for number in range(cause.line - _CONTEXT, last + _CONTEXT + 1) if number in source]
    while numbers and numbers[0] < cause.line and not source[numbers[0]].strip():
        del numbers[0]
    while numbers and numbers[-1] > last and not source[numbers[-1]].strip():
        del numbers[-1]
    margin = min((_margin(source[n]) for n in numbers if source[n].strip()), default=0)
    gutter = len(str(numbers[-1])) if numbers else 0
    word = _word(cause, [source[n] for n in numbers if cause.line <= n <= last])
    found = []
    for number in numbers:
        code, marked = source[number][margin:], cause.line <= number <= last
        head = Text().append("  > " if marked else "    ", "bold red").append(f"{number:>{gutter}} | ", "cyan")
        if marked:
            found += _marked(head, code, word.search(code) if word else None, width)
        else:
            found.append(head.append(crop(shown(code, _MOST_TEXT), width - len(head)), "dim"))
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


def _source(cause: Location, excerpts: Iterable[Excerpt]) -> Mapping[int, str]:
    """Return the lines known of the cause's file, by number, with tabs as spaces."""
    known = {
        number: line.expandtabs(4)
        for excerpt in excerpts
        if excerpt.path == cause.path
        for number, line in enumerate(excerpt.lines, excerpt.first_line)
    }
    return known if cause.line in known else {cause.line: cause.text} if cause.text else {}


def _word(cause: Location, marked: Sequence[str]) -> re.Pattern[str] | None:
    """Return a pattern for the call to underline, where the marked lines hold it once: a guess is worse than none."""
    name = re.escape(cause.op.rpartition(".")[2])
    if not name:
        return None
    call = re.compile(rf"(?<!\w){name}(?=\s*\()")
    return call if sum(len(call.findall(line)) for line in marked) == 1 else None


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _trail(finding: Finding, width: int) -> list[Text]:
    trail = [step for index, step in enumerate(finding.trail) if index == 0 or step != finding.trail[index - 1]]
    if not trail or trail == [finding.cause]:
        return []
    places = [f"{shown(step.path, _MOST_TEXT)}:{step.line}" for step in trail]
    column = min(max(cell_len(place) for place in places), width // 2)
    found = [Text("  from the loss back to the parameters:", "dim")]
    for index in _shortened(trail, finding.cause):
        if index is None:
            found.append(Text("      …", "dim"))
            continue
        here = trail[index] == finding.cause
        line = Text().append("    > " if here else "      ", "bold red")
        line.append(places[index] + " " * (column - cell_len(places[index])), "bold" if here else "dim")
        text = shown(trail[index].text, _MOST_TEXT)
        if cell_len(line.plain) + 2 + min(cell_len(text), 20) > width:  # a long path keeps its line to itself
            found.append(line)
            line = Text("        ")
        else:
            line.append("  ")
        line.append(crop(text, width - cell_len(line.plain)), "bold" if here else "")
        line.rstrip()
        found.append(line)
    return found


def _shortened(trail: Sequence[Location], cause: Location | None) -> list[int | None]:
    """Return the steps to show: the ends and those around the cause, with None where some are left out."""
    if len(trail) <= _MOST_TRAIL:
        return list(range(len(trail)))
    middle = trail.index(cause) if cause in trail else 0
    kept = sorted({0, 1, middle - 1, middle, middle + 1, len(trail) - 2, len(trail) - 1} & set(range(len(trail))))
    shown_steps: list[int | None] = []
    for before, index in zip([-1, *kept], kept, strict=False):
        shown_steps += [None, index] if index > before + 1 else [index]
    return shown_steps


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
