"""The two small tables of the terminal report: the state of each module, and which loss teaches which module."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.text import Text

from gradcheck_freeze.report.layout import Cell, columns, wrap
from gradcheck_freeze.report.rollup import FAULTY, Row, heads, natural, roll_up
from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.diagnosis import STATES, Diagnosis, LossRecord, OptimizerRecord

STYLES = {"LEAK": "bold red", "BLOCKED": "bold magenta", "learning": "green", "frozen": "blue", "idle": "dim"}
_MOST_ROWS = 15
_MOST_MODULES = 10
_MOST_LOSSES = 4
_MOST_NAMES = 3  # optimizers or losses written out in one cell
_NONE = "–"
_COUNTS_FROM = 60  # columns of width that leave room for the counts


def modules(diagnosis: Diagnosis, width: int) -> list[Text]:
    """Return the table by module: where there are too many rows the faulty and then the largest ones stay."""
    rows = roll_up(diagnosis.parameters.values())
    if not rows:
        return []
    by_weight = sorted(rows, key=lambda row: (row.state not in FAULTY, -row.numel))
    kept = set(by_weight if len(rows) <= _MOST_ROWS else by_weight[: _MOST_ROWS - 1])
    head = ("module", "state", "optimizer", "losses", "tensors", "elements")
    most = len(head) if width >= _COUNTS_FROM else 4
    table = columns(
        head[:most], [_cells(row)[:most] for row in rows if row in kept], width, right=(4, 5), fixed=(1, 4, 5)
    )
    return [*table, *_rest([row for row in rows if row not in kept], width)]


def attribution(diagnosis: Diagnosis, width: int) -> list[Text]:
    """Return which loss teaches which module, through which optimizer; nothing where there is one of each."""
    if len(diagnosis.losses) <= 1 and len(diagnosis.optimizers) <= 1:
        return []
    losses = sorted(diagnosis.losses, key=lambda loss: (_line(loss), loss.name))
    groups = heads(record.name for record in diagnosis.parameters.values() if record.kind != "buffer")
    if not losses or not groups:
        return []
    columned = [(loss, frozenset(loss.parameters)) for loss in losses[:_MOST_LOSSES]]
    rows = [
        [(shown(name, 100), ""), *(_taught(diagnosis.optimizers, loss, fed, members) for loss, fed in columned)]
        for name, members in sorted(groups.items(), key=lambda group: natural(group[0]))[:_MOST_MODULES]
    ]
    found = wrap(Text("which loss teaches which module, and through which optimizer:", "dim"), width)
    found += columns(["module", *(_title(loss, losses) for loss, _ in columned)], rows, width)
    left = ((len(groups) - _MOST_MODULES, "module"), (len(losses) - _MOST_LOSSES, "loss"))
    more = ", ".join(many(count, f"more {word}") for count, word in left if count > 0)
    return [*found, *(wrap(Text(f"… and {more}", "dim"), width) if more else [])]


def many(count: int, word: str) -> str:
    """Return the count with its word, in the plural where there is not exactly one."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}{'es' if word.endswith('s') else 's'}"


def names(parts: Sequence[str], most: int = _MOST_NAMES) -> str:
    """Return the first few names and how many more there are."""
    more = [f"+{len(parts) - most:,}"] if len(parts) > most else []
    return ", ".join([*parts[:most], *more])


def _cells(row: Row) -> list[Cell]:
    look = LOOKS[row.state]
    return [
        (shown(row.name, 100), ""),
        (f"{look.word} {look.glyph}", STYLES[row.state]),
        (shares({o.name for o in record.optimizers} for record in row.records), ""),
        (shares(set(record.losses) for record in row.records), ""),
        (f"{len(row.records):,}", ""),
        (_elements(row.numel), ""),
    ]


def _elements(count: int) -> str:
    """Return a number of elements in a few characters: 9,408 or 11.2M."""
    if count < 10_000:
        return f"{count:,}"
    power = next((power for power in (1, 2, 3) if count / 1000**power < 999.5), 4)
    value = count / 1000**power
    return f"{value:.3g}{'KMGT'[power - 1]}" if value < 999.5 else f"{value:,.0f}T"


def shares(sets: Iterable[set[str]]) -> str:
    """Return the names, each with the number of tensors it has where it has not all."""
    sets = list(sets)
    counts = Counter(name for named in sets for name in named)
    parts = {name: "" if count == len(sets) else f" {count:,}/{len(sets):,}" for name, count in sorted(counts.items())}
    return names([shown(name, 40) + part for name, part in parts.items()]) or _NONE


def _rest(rows: Sequence[Row], width: int) -> list[Text]:
    if not rows:
        return []
    counts = Counter(row.state for row in rows)
    tensors = many(sum(len(row.records) for row in rows), "tensor")
    states = ", ".join(f"{counts[s]:,} {LOOKS[s].word} {LOOKS[s].glyph}" for s in STATES if counts[s])
    return wrap(Text(f"… and {many(len(rows), 'more row')}: {states} ({tensors})", "dim"), width)


def _line(loss: LossRecord) -> tuple[str, int]:
    return (loss.location.path, loss.location.line) if loss.location else ("", 0)


def _title(loss: LossRecord, losses: Sequence[LossRecord]) -> str:
    alike = sum(other.name == loss.name for other in losses) > 1
    return shown(loss.name, 40) + (f" (line {loss.location.line})" if alike and loss.location else "")


def _taught(
    optimizers: Sequence[OptimizerRecord], loss: LossRecord, fed: frozenset[str], members: Sequence[str]
) -> Cell:
    """Return the optimizers that applied this loss's gradient to the module, or that none did."""
    reached = {name for name in members if name in fed}
    if not reached:
        return (_NONE, "dim")
    part = "" if len(reached) == len(members) else f" {len(reached):,}/{len(members):,}"
    appliers = sorted(o.name for o in optimizers if loss.name in o.losses and not reached.isdisjoint(o.updated))
    return (f"{shown(', '.join(appliers), 40)}{part}", "green") if appliers else (f"gradient only{part}", "yellow")
