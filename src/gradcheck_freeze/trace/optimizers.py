"""Keeps the list of optimizers: what the author calls them, what their groups hold, and how many steps each has made."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from weakref import ref

import torch

from gradcheck_freeze.trace.ops import OpRecorder
from gradcheck_freeze.trace.record import NONE
from gradcheck_freeze.trace.training import OptimizerGroup

_SETTINGS = ("lr", "weight_decay", "momentum")


class Optimizers:
    """The optimizers of one run, by number; none is kept alive, of one that has died the last look counts."""

    def __init__(self, recorder: OpRecorder) -> None:
        self.recorder = recorder
        self.known: list[ref[torch.optim.Optimizer]] = []  # by number
        self.built: list[tuple[int, int]] = []  # site and time of construction
        self.type_names: list[str] = []
        self.names: dict[int, str] = {}
        self.groups: list[tuple[OptimizerGroup, ...]] = []
        self.counts: list[int] = []  # of the steps that each has made
        self.iterators: dict[tuple[int, int], int] = {}  # (optimizer, group) → site of an iterator that was used up
        self.schedules: dict[int, int] = {}  # optimizer → site of what sets its learning rate
        self.loaded: dict[int, int] = {}  # optimizer → site where a state was loaded into it

    def number(self, optimizer: torch.optim.Optimizer, site: int = NONE) -> int:
        """Return the number of an optimizer, new or known."""
        groups = getattr(optimizer, "param_groups", ())
        for number, reference in enumerate(self.known):
            known = reference()
            if known is optimizer or (known is not None and getattr(known, "param_groups", None) is groups):
                return number  # a wrapper is the optimizer whose groups it hands through
        self.recorder.rows += 1
        self.known.append(ref(optimizer))
        self.built.append((site, len(self.recorder.ops)))
        self.type_names.append(type(optimizer).__name__)
        self.groups.append(())
        self.counts.append(0)
        return len(self.known) - 1

    def name(self, found: Iterable[tuple[ref[torch.optim.Optimizer], list[str]]]) -> None:
        """Give optimizers the names that variables have for them; the latest search has the last word."""
        for reference, names in found:
            optimizer = reference()
            if optimizer is not None and names:
                self.names[self.number(optimizer)] = names[0]

    def look(self, number: int) -> list[int]:
        """Read an optimizer's groups and return all slots in them."""
        optimizer = self.known[number]()
        if optimizer is None:
            return [slot for group in self.groups[number] for slot in group.tensors]
        groups: list[OptimizerGroup] = []
        held = itertools.chain(self.groups[number], itertools.repeat(None))
        for group, before in zip(optimizer.param_groups, held, strict=False):
            settings = {}
            for key in _SETTINGS:
                try:
                    settings[key] = float(group[key])
                except (KeyError, TypeError, ValueError):
                    continue
            iterator = self.iterators.get((number, len(groups)), NONE)
            groups.append(OptimizerGroup(self._slots(group["params"], before), settings, iterator))
        self.groups[number] = tuple(groups)
        return [slot for group in groups for slot in group.tensors]

    def look_at_all(self) -> None:
        """Read the groups of every optimizer."""
        for number in range(len(self.known)):
            self.look(number)

    def _slots(self, tensors: list[torch.Tensor], before: OptimizerGroup | None) -> tuple[int, ...]:
        """Return the slots of a group's tensors; most often they are those it had `before`."""
        known, slot_of = self.recorder.tensors.slots, self.recorder.values.tensor
        slots = () if before is None else before.tensors
        if len(slots) == len(tensors) and all(known[s]() is t for s, t in zip(slots, tensors, strict=True)):
            return slots
        return tuple(slot for value in self.recorder.values_of(tensors) if (slot := slot_of[value]) != NONE)

    def held(self) -> set[int]:
        """Return the slots that are in some group."""
        return {slot for groups in self.groups for group in groups for slot in group.tensors}

    def titles(self) -> list[str]:
        """Return what to call each: the name that a variable has for it, else its class and number."""
        return [self.names.get(number, f"{kind}#{number}") for number, kind in enumerate(self.type_names)]

    def names_of_held(self) -> dict[int, str]:
        """Return a name for every slot in a group, for those that have no other."""
        found: dict[int, str] = {}
        for title, groups in zip(self.titles(), self.groups, strict=True):
            for i, group in enumerate(groups):
                for j, slot in enumerate(group.tensors):
                    found.setdefault(slot, f"{title}.param_groups.{i}.params.{j}")
        return found
