"""The tables of the page: the modules in a few rows, and which loss teaches which module through which optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradcheck_freeze.report.rollup import heads, natural, roll_up
from gradcheck_freeze.report.tables import shares
from gradcheck_freeze.report.words import shown
from gradcheck_freeze.rules.diagnosis import Diagnosis, LossRecord
from gradcheck_freeze.rules.siblings import pattern, spell

_MOST_ROWS = 200
_MOST_LOSSES = 12


@dataclass(frozen=True, slots=True)
class ModuleRow:
    """Modules or tensors of one state; `optimizers` and `losses` say how many tensors each has where it has not all."""

    name: str
    state: str
    optimizers: str
    losses: str
    tensors: int
    numel: int


@dataclass(frozen=True, slots=True)
class Taught:
    """A cell of the matrix: how many tensors a loss reached, of how many, and who applied that ("" for nobody)."""

    reached: int
    members: int
    appliers: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Losses as columns, modules as rows; what did not fit is counted."""

    losses: tuple[tuple[str, str], ...]  # name and place
    rows: tuple[tuple[str, tuple[Taught, ...]], ...]
    more_rows: int
    more_losses: int


def rows(diagnosis: Diagnosis) -> tuple[ModuleRow, ...]:
    """Return the rows of the plain table of modules, the faulty ones first."""
    return tuple(
        ModuleRow(
            row.name,
            row.state,
            shares({o.name for o in record.optimizers} for record in row.records),
            shares(set(record.losses) for record in row.records),
            len(row.records),
            row.numel,
        )
        for row in roll_up(diagnosis.parameters.values())[:_MOST_ROWS]
    )


def matrix(diagnosis: Diagnosis) -> Matrix:
    """Return which loss gives gradient to which module; numbered siblings that are taught alike share a row."""
    losses = sorted(diagnosis.losses, key=_order)
    fed = [frozenset(loss.parameters) for loss in losses[:_MOST_LOSSES]]
    groups = heads(record.name for record in diagnosis.parameters.values() if record.kind != "buffer")
    alike: dict[tuple[str, tuple[Taught, ...]], list[str]] = {}
    for name, members in groups.items():
        cells = tuple(_taught(diagnosis, loss, got, members) for loss, got in zip(losses, fed, strict=False))
        alike.setdefault((pattern(name), cells), []).append(name)
    found = [(spell(sorted(names, key=natural)), cells) for (_, cells), names in alike.items()]
    return Matrix(
        tuple((loss.name, _place(loss)) for loss in losses[:_MOST_LOSSES]),
        tuple(sorted(found, key=lambda row: natural(row[0]))[:_MOST_ROWS]),
        max(0, len(found) - _MOST_ROWS),
        max(0, len(losses) - _MOST_LOSSES),
    )


def _order(loss: LossRecord) -> tuple[str, int, str]:
    return (loss.location.path, loss.location.line, loss.name) if loss.location else ("", 0, loss.name)


def _place(loss: LossRecord) -> str:
    return f"{shown(loss.location.path)}:{loss.location.line}" if loss.location else ""


def _taught(diagnosis: Diagnosis, loss: LossRecord, fed: frozenset[str], members: Sequence[str]) -> Taught:
    reached = {name for name in members if name in fed}
    appliers = sorted(
        shown(o.name) for o in diagnosis.optimizers if loss.name in o.losses and not reached.isdisjoint(o.updated)
    )
    return Taught(len(reached), len(members), ", ".join(appliers) if reached else "")
