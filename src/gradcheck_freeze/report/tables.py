"""The two small tables of the terminal report: the state of each module, and which loss teaches which module."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.text import Text

from gradcheck_freeze.report.layout import Cell, columns, wrap
from gradcheck_freeze.report.rollup import FAULTY, Row, heads, natural, roll_up
from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.diagnosis import STATES, Diagnosis, LossRecord, ParameterRecord

STYLES = {"LEAK": "bold red", "BLOCKED": "bold magenta", "learning": "green", "frozen": "blue", "idle": "dim"}
_MOST_ROWS = 15
_MOST_MODULES = 10
_MOST_LOSSES = 4
_MOST_NAMES = 3  # optimizers or losses written out in one cell
_NONE = "–"


def modules(diagnosis: Diagnosis, width: int) -> list[Text]:
    """Return the table by module: where there are too many rows the faulty and then the largest ones stay."""
    rows = roll_up(diagnosis.parameters.values())
    if not rows:
        return []
    by_weight = sorted(rows, key=lambda row: (row.state not in FAULTY, -sum(record.numel for record in row.records)))
    kept = set(by_weight if len(rows) <= _MOST_ROWS else by_weight[: _MOST_ROWS - 1])
    head = ("module", "state", "tensors", "elements", "optimizer", "gradient from")
    table = columns(head, [_cells(row) for row in rows if row in kept], width, frozenset({2, 3}))
    rest = [row for row in rows if row not in kept]
    return [*table, *_rest(rest, width)]


def attribution(diagnosis: Diagnosis, width: int) -> list[Text]:
    """Return which loss teaches which module, through which optimizer; nothing where there is one of each."""
    if len(diagnosis.losses) <= 1 and len(diagnosis.optimizers) <= 1:
        return []
    losses = sorted(diagnosis.losses, key=lambda loss: (_line(loss), loss.name))
    names = [record.name for record in diagnosis.parameters.values() if record.kind != "buffer"]
    groups = sorted(heads(names).items(), key=lambda group: natural(group[0]))
    if not losses or not groups:
        return []
    head = ["taught by loss → module ↓", *(_title(loss, losses) for loss in losses[:_MOST_LOSSES])]
    received = [frozenset(loss.parameters) for loss in losses[:_MOST_LOSSES]]
    rows = [
        [
            (shown(name, 60), ""),
            *(_taught(diagnosis, loss, fed, members) for loss, fed in zip(losses, received, strict=False)),
        ]
        for name, members in groups[:_MOST_MODULES]
    ]
    found = columns(head, rows, width, frozenset())
    more = [
        f"{count:,} more {word}"
        for count, word in ((len(groups) - _MOST_MODULES, "modules"), (len(losses) - _MOST_LOSSES, "losses"))
        if count > 0
    ]
    return [*found, *(wrap(Text(f"… and {', '.join(more)}", "dim"), width) if more else [])]


def _cells(row: Row) -> list[Cell]:
    look = LOOKS[row.state]
    optimizers = [{membership.name for membership in record.optimizers} for record in row.records]
    return [
        (shown(row.name, 100), ""),
        (f"{look.word} {look.glyph}", STYLES[row.state]),
        (f"{len(row.records):,}", ""),
        (elements(row.records), ""),
        (_names(optimizers), ""),
        (_names([set(record.losses) for record in row.records]), ""),
    ]


def elements(records: Iterable[ParameterRecord]) -> str:
    """Return the number of elements in at most six characters: 9,408 or 11.2M."""
    count = sum(record.numel for record in records)
    if count < 10_000:
        return f"{count:,}"
    power = next((power for power in (1, 2, 3) if count / 1000**power < 999.5), 4)
    return f"{count / 1000**power:.3g}{'KMGT'[power - 1]}"


def _names(sets: Sequence[set[str]]) -> str:
    """Return the names, each with the number of tensors it has where it has not all."""
    counts = Counter(name for names in sets for name in names)
    written = [
        shown(name, 40) + ("" if count == len(sets) else f" {count:,}/{len(sets):,}")
        for name, count in sorted(counts.items())
    ]
    more = [f"+{len(written) - _MOST_NAMES}"] if len(written) > _MOST_NAMES else []
    return ", ".join([*written[:_MOST_NAMES], *more]) or _NONE


def _rest(rows: Sequence[Row], width: int) -> list[Text]:
    if not rows:
        return []
    counts = Counter(row.state for row in rows)
    tensors = sum(len(row.records) for row in rows)
    states = ", ".join(
        f"{counts[state]:,} {LOOKS[state].word} {LOOKS[state].glyph}" for state in STATES if counts[state]
    )
    return wrap(Text(f"… and {len(rows):,} more: {states} ({tensors:,} tensors)", "dim"), width)


def _line(loss: LossRecord) -> tuple[str, int]:
    return (loss.location.path, loss.location.line) if loss.location else ("", 0)


def _title(loss: LossRecord, losses: Sequence[LossRecord]) -> str:
    alike = sum(other.name == loss.name for other in losses) > 1
    return shown(loss.name, 40) + (f" (line {loss.location.line})" if alike and loss.location else "")


def _taught(diagnosis: Diagnosis, loss: LossRecord, fed: frozenset[str], members: Sequence[str]) -> Cell:
    """Return the optimizers that applied this loss's gradient to the module, or that none did."""
    reached = [name for name in members if name in fed]
    if not reached:
        return (_NONE, "dim")
    part = "" if len(reached) == len(members) else f" {len(reached):,}/{len(members):,}"
    appliers = sorted(
        o.name for o in diagnosis.optimizers if loss.name in o.losses and not set(o.updated).isdisjoint(reached)
    )
    return (f"{shown(', '.join(appliers), 40)}{part}", "green") if appliers else (f"gradient only{part}", "yellow")
