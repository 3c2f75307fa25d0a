"""The report on a terminal: a verdict line, a table by module, then each finding with its line, its trail and what to do."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.diagnosis import Diagnosis, ParameterRecord
from gradcheck_freeze.rules.finding import Finding, Location, Severity

_MOST_ROWS = 15
_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold blue"}
_STATES = {"LEAK": "bold red", "BLOCKED": "bold magenta", "learning": "green", "frozen": "blue", "idle": "dim"}


def write(diagnosis: Diagnosis, stream: TextIO) -> None:
    """Print the report to a stream, in colour where it is a terminal; rich's own variables (NO_COLOR, COLUMNS) hold."""
    _print(diagnosis, Console(file=stream, highlight=False, soft_wrap=False))


def render(diagnosis: Diagnosis, width: int = 80) -> str:
    """Return the report as plain text of the given width in columns."""
    buffer = io.StringIO()
    _print(diagnosis, Console(file=buffer, width=width, color_system=None, highlight=False, force_terminal=False, legacy_windows=False))
    return "".join(line.rstrip() + "\n" for line in buffer.getvalue().splitlines())


def _print(diagnosis: Diagnosis, console: Console) -> None:
    console.print(_verdict(diagnosis))
    if diagnosis.parameters:
        console.print(_modules(diagnosis))
    if len(diagnosis.losses) > 1 or len(diagnosis.optimizers) > 1:
        console.print(_attribution(diagnosis))
    for finding in diagnosis.findings:
        console.print()
        _finding(console, diagnosis, finding)
    for gap in diagnosis.gaps:
        console.print(Text(f"not seen: {shown(gap)}", style="dim"))


def _verdict(diagnosis: Diagnosis) -> Text:
    counts = {level: sum(f.severity == level for f in diagnosis.findings) for level in (Severity.ERROR, Severity.WARNING, Severity.NOTE)}
    window = diagnosis.window
    watched = f"{window.ops:,} ops, {_many(window.backward_calls, 'backward call')}, {_many(window.steps, 'step')} watched"
    if not diagnosis.losses:
        return Text(f"gradcheck-freeze: nothing to judge ({watched}).", style="bold")
    if not diagnosis.findings:
        return Text(f"gradcheck-freeze: ✓ every parameter learns or stays as declared ({watched}).", style="bold green")
    found = ", ".join(_many(count, level.word) for level, count in counts.items() if count)
    return Text(f"gradcheck-freeze: {found} ({watched}).", style=_COLOURS[max(f.severity for f in diagnosis.findings)])


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _modules(diagnosis: Diagnosis) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("module", "state", "tensors", "elements", "optimizer", "losses"):
        table.add_column(column, justify="right" if column in ("tensors", "elements") else "left", overflow="fold")
    groups = roll_up([r for r in diagnosis.parameters.values() if r.kind != "buffer" or r.state in ("LEAK", "BLOCKED")])
    groups.sort(key=lambda group: (group[1][0].state not in ("LEAK", "BLOCKED"), group[0]))
    for name, records in groups[:_MOST_ROWS]:
        look = LOOKS[records[0].state]
        optimizers = sorted({o.name for r in records for o in r.optimizers})
        losses = sorted({loss for r in records for loss in r.losses})
        table.add_row(
            Text(shown(name, 40)), Text(f"{look.glyph} {look.word}", style=_STATES[records[0].state]), f"{len(records):,}",
            f"{sum(r.numel for r in records):,}", Text(shown(", ".join(optimizers), 30) or "–"), Text(shown(", ".join(losses), 40) or "–"),
        )  # fmt: skip
    if len(groups) > _MOST_ROWS:
        rest = [record for _, records in groups[_MOST_ROWS:] for record in records]
        table.add_row(f"… {len(groups) - _MOST_ROWS} more", "", f"{len(rest):,}", f"{sum(r.numel for r in rest):,}", "", "")
    return table


def roll_up(records: Iterable[ParameterRecord]) -> list[tuple[str, list[ParameterRecord]]]:
    """Group parameters under the shallowest module names below which all share state, optimizers and losses."""
    groups: list[tuple[str, list[ParameterRecord]]] = []
    pending: list[tuple[str, list[ParameterRecord]]] = [("", list(records))]
    while pending:
        prefix, members = pending.pop()
        if prefix and (len(members) == 1 or len({(r.state, r.optimizers and r.optimizers[0].name, r.losses) for r in members}) == 1):
            groups.append((prefix, members))
            continue
        below: dict[str, list[ParameterRecord]] = {}
        depth = prefix.count(".") + 1 if prefix else 0
        for record in members:
            below.setdefault(".".join(record.name.split(".")[: depth + 1]), []).append(record)
        if list(below) == [prefix]:
            groups.append((prefix, members))
        else:
            pending.extend(sorted(below.items(), reverse=True))
    return groups


def _attribution(diagnosis: Diagnosis) -> Table:
    """Return the table of what each loss teaches and each optimizer applies."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("loss", "at line", "feeds gradient to"):
        table.add_column(column, overflow="fold")
    for loss in diagnosis.losses:
        fed = sorted({name.partition(".")[0] for name in loss.parameters})
        table.add_row(Text(shown(loss.name, 40)), str(loss.location.line) if loss.location else "–", Text(shown(", ".join(fed), 60) or "nothing"))
    return table


def _finding(console: Console, diagnosis: Diagnosis, finding: Finding) -> None:
    head = Text(f"{finding.severity.word} {finding.rule} ", style=_COLOURS[finding.severity])
    head.append(shown(finding.message, 400), style="bold")
    console.print(head)
    if finding.cause is not None:
        console.print(Text(f"  --> {shown(finding.cause.path)}:{finding.cause.line}"))
        _excerpt(console, diagnosis, finding.cause)
    trail = [step for step in finding.trail if step != finding.cause]
    if trail:
        console.print(Text("  way of the gradient:" if finding.kind == "blockage" else "  how it comes about:", style="dim"))
        for step in finding.trail:
            mark = " ← here" if step == finding.cause else ""
            console.print(Text(f"    {shown(step.path)}:{step.line}  {shown(step.text, 60)}{mark}"), no_wrap=True, overflow="ellipsis")
    if finding.fix is not None:
        console.print(Text("  fix: ", style="bold green") + Text(shown(finding.fix.text, 400)))


def _excerpt(console: Console, diagnosis: Diagnosis, cause: Location) -> None:
    for excerpt in diagnosis.excerpts:
        last = excerpt.first_line + len(excerpt.lines) - 1
        if excerpt.path == cause.path and excerpt.first_line <= cause.line <= last:
            for number, line in enumerate(excerpt.lines, excerpt.first_line):
                here = number == cause.line
                text = Text(f"  {'>' if here else ' '} {number:>4} | {shown(line.expandtabs(4))}", style="bold" if here else "dim")
                console.print(text, no_wrap=True, overflow="ellipsis")
            return
