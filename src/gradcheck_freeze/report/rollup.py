"""The parameters of a run as a few rows: each the shallowest module below which all share one state."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gradcheck_freeze.rules.diagnosis import STATES, ParameterRecord
from gradcheck_freeze.rules.siblings import pattern, spell

FAULTY = ("LEAK", "BLOCKED")


@dataclass(frozen=True, slots=True)
class Row:
    """Parameters, or buffers, of one state under one name; numbered siblings are written as `layers.{0-11}.bias`."""

    name: str
    state: str
    records: tuple[ParameterRecord, ...]

    @property
    def numel(self) -> int:
        return sum(record.numel for record in self.records)


def roll_up(records: Iterable[ParameterRecord]) -> tuple[Row, ...]:
    """Return the rows, the faulty ones first; of the buffers only faulty ones, the others go with their module."""
    records = list(records)
    rows = by_module([record for record in records if record.kind != "buffer"])
    for row in by_module([record for record in records if record.kind == "buffer"]):
        if row.state in FAULTY:
            rows.append(Row(f"{row.name} (buffers)" if len(row.records) > 1 else row.name, row.state, row.records))
    return tuple(sorted(rows, key=lambda row: (row.state not in FAULTY, natural(row.name), STATES.index(row.state))))


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts `layers.2` before `layers.10`."""
    # A number is ordered by its length first: int() refuses thousands of digits.
    parts = re.split(r"([0-9]+)", name)
    return tuple((len(part.lstrip("0")) if index % 2 else 0, part) for index, part in enumerate(parts))


def heads(names: Iterable[str]) -> dict[str, list[str]]:
    """Group names by the author's own top-level modules: one level deeper as long as there would be only one."""
    names = list(names)
    depth = 1
    while len({_module(name, depth) for name in names}) == 1 and all(
        _module(name, depth + 1) != name for name in names
    ):
        depth += 1
    groups: dict[str, list[str]] = {}
    for name in sorted(names, key=natural):
        groups.setdefault(_module(name, depth), []).append(name)
    return groups


def _module(name: str, depth: int) -> str:
    """Return the beginning of a name; `self` before it only says where the module is kept."""
    return _head(name, depth + name.startswith("self."))


def by_module(records: Sequence[ParameterRecord]) -> list[Row]:
    """Return the rows in no order; whatever word stands in `state` is what the members of a row share."""
    found: list[tuple[str, list[ParameterRecord]]] = []
    pending = [("", sorted(records, key=lambda record: natural(record.name)))]
    while pending:
        prefix, members = pending.pop()
        # `self` only holds the modules: a method's author calls them self.encoder and self.generator.
        if prefix not in ("", "self") and len({record.state for record in members}) == 1:
            found.append((prefix, members))
            continue
        depth = prefix.count(".") + 2 if prefix else 1
        below: dict[str, list[ParameterRecord]] = {}
        for record in members:
            below.setdefault(_head(record.name, depth), []).append(record)
        if list(below) == [prefix]:  # two tensors under one name
            found.extend((prefix, [record]) for record in members)
        else:
            pending.extend(below.items())
    return _merge_siblings(found)


def _merge_siblings(groups: Iterable[tuple[str, list[ParameterRecord]]]) -> list[Row]:
    alike: dict[tuple[str, str], list[tuple[str, list[ParameterRecord]]]] = {}
    for name, members in groups:
        alike.setdefault((pattern(name), members[0].state), []).append((name, members))
    rows = []
    for (_, state), siblings in alike.items():
        records = tuple(record for _, members in siblings for record in members)
        rows.append(Row(spell([name for name, _ in siblings]), state, records))
    return rows


def _head(name: str, depth: int) -> str:
    return ".".join(name.split(".")[:depth])
