"""The two small tables of the terminal report: the state of each module, and which loss teaches which module."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.text import Text

from gradcheck_freeze.report import attribution as taught_by
from gradcheck_freeze.report.layout import Cell, columns, wrap
from gradcheck_freeze.report.rollup import FAULTY, Row, roll_up
from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.diagnosis import STATES, Diagnosis, LossRecord

STYLES = {"LEAK": "bold red", "BLOCKED": "bold magenta", "learning": "green", "frozen": "blue", "idle": "dim"}
MODULE_HEAD = ("module", "state", "optimizer", "losses", "tensors", "elements")
ATTRIBUTION = "which loss teaches which module, and through which optimizer"
_MOST_ROWS = 15
_MOST_MODULES = 10
_MOST_LOSSES = 4
_MOST_NAMES = 3  # optimizers or losses written out in one cell
NOTHING = "–"
_COLUMNS = (6, 4, 3, 2)  # of the table by module; a narrow screen gets fewer: a name cut short tells nothing
_ENOUGH_NAME = 28  # cells that tell names apart
_ENOUGH_LIST = 12


def modules(diagnosis: Diagnosis, width: int) -> list[Text]:
    """Return the table by module: where there are too many rows the faulty and then the largest ones stay."""
    rows, rest = module_rows(diagnosis, _MOST_ROWS)
    if not rows:
        return []
    most = next((most for most in _COLUMNS if _fits(rows, most, width)), _COLUMNS[-1])
    table = columns(MODULE_HEAD[:most], [row[:most] for row in rows], width, right=(4, 5), fixed=(1, 4, 5))
    return [*table, *(wrap(Text(rest, "dim"), width) if rest else [])]


def _fits(rows: Sequence[Sequence[Cell]], most: int, width: int) -> bool:
    """Return whether so many columns leave each enough room."""
    enough = (_ENOUGH_NAME, width, _ENOUGH_LIST, _ENOUGH_LIST, width, width)
    widths = [
        max(cell_len(text) for text in (head, *(row[index][0] for row in rows)))
        for index, head in enumerate(MODULE_HEAD)
    ]
    return sum(min(pair) + 2 for pair in list(zip(widths, enough, strict=True))[:most]) <= width


def module_rows(diagnosis: Diagnosis, most: int) -> tuple[list[list[Cell]], str]:
    """Return the cells under `MODULE_HEAD`, at most so many rows, and a line about those left out, or nothing."""
    rows = roll_up(diagnosis.parameters.values())
    by_weight = sorted(rows, key=lambda row: (row.state not in FAULTY, -row.numel))
    kept = set(by_weight if len(rows) <= most else by_weight[: most - 1])
    return [_cells(row) for row in rows if row in kept], _rest([row for row in rows if row not in kept])


def attribution(diagnosis: Diagnosis, width: int) -> list[Text]:
    """Return which loss teaches which module, through which optimizer; nothing where there is one of each."""
    head, rows, more = attribution_rows(diagnosis, _MOST_MODULES, _MOST_LOSSES)
    if not rows:
        return []
    found = wrap(Text(f"{ATTRIBUTION}:", "dim"), width) + columns(head, rows, width)
    return [*found, *(wrap(Text(more, "dim"), width) if more else [])]


def attribution_rows(
    diagnosis: Diagnosis, most_modules: int, most_losses: int
) -> tuple[list[str], list[list[Cell]], str]:
    """Return the head and the cells of the table of losses by module, and a line about what is left out, or nothing."""
    if len(diagnosis.losses) <= 1 and len(diagnosis.optimizers) <= 1:
        return [], [], ""
    losses, groups = taught_by.losses(diagnosis), taught_by.modules(diagnosis)
    if not losses or not groups:
        return [], [], ""
    taught = {(share.module, share.loss): share for share in taught_by.shares(diagnosis)}
    columned = losses[:most_losses]
    rows = [
        [(shown(name, 100), ""), *(_taught(taught.get((name, loss))) for loss in columned)]
        for name in groups[:most_modules]
    ]
    left = ((len(groups) - most_modules, "module"), (len(losses) - most_losses, "loss"))
    more = ", ".join(many(count, f"more {word}") for count, word in left if count > 0)
    return ["module", *(_title(loss, losses) for loss in columned)], rows, f"… and {more}" if more else ""


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
        (f"{look.word} {look.mark}", STYLES[row.state]),
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
    return names([shown(name, 40) + part for name, part in parts.items()]) or NOTHING


def _rest(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    counts = Counter(row.state for row in rows)
    tensors = many(sum(len(row.records) for row in rows), "tensor")
    states = ", ".join(f"{counts[s]:,} {LOOKS[s].word} {LOOKS[s].mark}" for s in STATES if counts[s])
    return f"… and {many(len(rows), 'more row')}: {states} ({tensors})"


def _title(loss: LossRecord, losses: Sequence[LossRecord]) -> str:
    alike = sum(other.name == loss.name for other in losses) > 1
    return shown(loss.name, 40) + (f" (line {loss.location.line})" if alike and loss.location else "")


def _taught(share: taught_by.Share | None) -> Cell:
    """Return the optimizers that applied this loss's gradient to the module, or that none did."""
    if share is None:
        return (NOTHING, "dim")
    part = "" if share.fed == share.parameters else f" {share.fed:,}/{share.parameters:,}"
    if not share.optimizers:
        return (f"gradient only{part}", "yellow")
    return (f"{shown(', '.join(share.optimizers), 40)}{part}", "green")
