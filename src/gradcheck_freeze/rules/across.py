"""What the processes that train together have to say of each parameter, folded: equal words of many ranks are kept once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gradcheck_freeze.rules.finding import Location

Print = tuple[str, int, str]  # an optimizer, after how many of its steps, and what the parameter then held


@dataclass(frozen=True, slots=True)
class Word:
    """What one rank says of one parameter."""

    shape: tuple[int, ...]
    requires_grad: bool
    held: bool  # by an optimizer
    updated: bool
    gradient: str
    spread: str  # as in `WatchedTensor.spread`
    prints: tuple[Print, ...]
    steps: int  # that this rank made in all


@dataclass(frozen=True)
class Across:
    """What all ranks that left a report say: parameter → what is said of it → the ranks that say so."""

    world_size: int
    reported: tuple[int, ...]
    words: Mapping[str, Mapping[Word, list[int]]]
    declared: Mapping[str, Location]

    def synchronised(self, name: str) -> bool:
        """Return whether a parameter moved and was equal on all ranks after every step that they share."""
        tables = [dict(_keyed(word)) for word in self.words[name]]
        if any(not word.updated for word in self.words[name]) or not self.everywhere(name):
            return False
        shared = set.intersection(*(set(table) for table in tables))
        moved = any(tables[0][key] != tables[0].get((key[0], 0)) for key in shared)
        return moved and all(len({table[key] for table in tables}) == 1 for key in shared)

    def everywhere(self, name: str) -> bool:
        """Return whether every rank that reported has this parameter."""
        return sum(len(ranks) for ranks in self.words[name].values()) == len(self.reported)

    def same(self, name: str) -> bool:
        """Return whether it is one parameter on all ranks: a wrapper says so, or it was equal before the first step."""
        words = self.words[name]
        if not self.everywhere(name) or len({word.shape for word in words}) > 1:
            return False
        if any(word.spread == "sharded" for word in words):
            return False
        if all(word.spread == "replicated" for word in words):
            return True
        before = [{held for _, step, held in word.prints if step == 0} for word in words]
        return bool(before[0]) and len(before[0]) == 1 and all(held == before[0] for held in before)

    def promised(self, name: str) -> bool:
        """Return whether something keeps it equal: a wrapper, or what keeps the parameters beside it equal.

        What lies in a wrapped module and is not among what the wrapper keeps equal was asked to be left out.
        """
        if all(word.spread == "replicated" for word in self.words[name]):
            return True
        root = name.partition(".")[0]
        if any(n.partition(".")[0] == root and w.spread == "replicated" for n, ws in self.words.items() for w in ws):
            return False
        return any(other != name and self.synchronised(other) for other in self.words)


def _keyed(word: Word) -> list[tuple[tuple[str, int], str]]:
    return [((optimizer, step), held) for optimizer, step, held in word.prints]


def called(ranks: tuple[int, ...]) -> str:
    """Return ranks as the report names them: "rank 2", "ranks 0, 1 and 3", "ranks 0-998"."""
    runs: list[list[int]] = []
    for rank in ranks:
        if runs and runs[-1][-1] == rank - 1:
            runs[-1][1:] = [rank]
        else:
            runs.append([rank])
    parts = [part for run in runs for part in ([f"{run[0]}-{run[-1]}"] if run[-1] - run[0] > 1 else map(str, run))]
    if len(parts) > 12:
        parts = [*parts[:11], f"{len(parts) - 11:,} more"]
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"{'rank' if len(ranks) == 1 else 'ranks'} {listed}"
