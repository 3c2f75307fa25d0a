"""Keeps an eye on what stood still in the window, to the end of the run: a read now and then, and a look at `.grad` at steps.

A frozen parameter has no `.grad`. The first step that finds one there is looked at from both sides, by value, so that it is
known whether that very step moved the tensor. What changes without a gradient (a checkpoint that is loaded, weights that are
merged) is found when everything is read again: after twice as many steps each time, when a window opens, and at the end.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from weakref import ref

import torch

from gradcheck_freeze.trace.fingerprint import fingerprint
from gradcheck_freeze.trace.record import NONE, Guarded, LaterChange

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder

Look = tuple[int, torch.dtype, torch.Size]


class Guard:
    """The tensors under guard, by slot, and what happened to them between the windows."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.changes: list[LaterChange] = []
        self.held: list[int] = []  # all that were ever under guard
        self.switches: dict[int, int] = {}  # slot → site of the last `requires_grad_()` between windows
        self._prints: dict[int, Look] = {}  # of those still under guard
        self._since: dict[int, int] = {}  # the last step after which it was read and was the same
        self._fed: dict[int, int] = {}  # how many steps found a gradient in it
        self._suspects: list[int] = []
        self._leaves: list[int] = []  # slots, and no references: torch may ask us to let go of a tensor
        self._owners: list[Any] = []
        self._next_look = 0

    def begin(self) -> None:
        """Take under guard what has a name and did not change in the windows so far."""
        recorder = self.recorder
        if not recorder.placement.guard or not recorder.pace.watched:
            return
        stepping, slots, number = recorder.stepping, recorder.ops.tensors.slots, recorder.pace.number
        moved = {slot for step in stepping.steps for slot in step.changed} | {write.tensor for write in stepping.writes}
        moved |= {change.tensor for change in self.changes}
        fresh = not self.held
        for slot in list(self._prints) if not fresh else list(recorder.inventory.kept):
            tensor = slots[slot]()
            if slot in moved or tensor is None or not tensor.is_leaf:
                self._prints.pop(slot, None)
            else:
                self._prints[slot] = (stepping.prints.get(slot) or fingerprint(tensor), tensor.dtype, tensor.shape)
                self._since[slot] = number
        if fresh:
            self.held = list(self._prints)
            self._see_owners()
        self._leaves = [slot for slot in self._prints if recorder.inventory.kept[slot][1] == "parameter"]
        self._next_look = 2 * number

    def _see_owners(self) -> None:
        """Have the tensors of a module read before it dies: a program may well be over with the function that held it."""
        inventory = self.recorder.inventory
        below: dict[int, list[int]] = {}
        for slot in self.held:
            below.setdefault(inventory.kept[slot][2], []).append(slot)
        for number, slots in below.items():
            module = inventory.modules[number]() if number != NONE else None
            if module is not None:
                self._owners.append(ref(module, functools.partial(self._owner_dies, slots)))

    def _owner_dies(self, slots: list[int], _: Any) -> None:
        try:
            if self.recorder.asleep:
                self.look(slots, at_end=True)
        except Exception as error:
            self.recorder.fail(error)

    def before_step(self) -> None:
        """See whether a step is going to find a gradient in a tensor under guard."""
        if not self._leaves:
            return
        held = self.recorder.ops.tensors.slots
        with torch._C.DisableTorchFunction():
            fed = [slot for slot in self._leaves if (t := held[slot]()) is not None and t.grad is not None]
        self._suspects = []
        for slot in fed:
            if slot not in self._prints:
                continue
            times = self._fed.get(slot, 0) + 1
            if times & (times - 1) == 0:  # a gradient that nobody applies may stay for long
                self.look([slot])  # what changed before is not this step's doing, if this is the first that finds one
                if slot in self._prints:
                    self._suspects.append(slot)
            self._fed[slot] = times

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """See what the step did to those that had a gradient, and read everything if it is time to."""
        number = self.recorder.pace.number
        if self._suspects:
            names = self.recorder.optimizers.names
            known = {id(held()): n for n, held in enumerate(self.recorder.optimizers.known)}
            name = names.get(known.get(id(optimizer), NONE), type(optimizer).__name__)
            self.look(self._suspects, name=name, site=self.recorder.sites.here(sys._getframe(1)))
            self._suspects = []
        if self._prints and self._next_look and number >= self._next_look:
            self._next_look = 2 * number
            self.look()

    def look(
        self, slots: Iterable[int] | None = None, *, at_end: bool = False, name: str = "", site: int = NONE
    ) -> None:
        """Read tensors under guard, all of them if none are given, and note those that differ."""
        number, references = self.recorder.pace.number, self.recorder.ops.tensors.slots
        with torch._C.DisableTorchFunction():
            for slot in list(self._prints if slots is None else slots):
                before, tensor = self._prints.get(slot), references[slot]()
                if before is None or tensor is None:
                    continue
                if (tensor.dtype, tensor.shape) != before[1:]:  # converted: by design, and not to be compared
                    del self._prints[slot]
                elif fingerprint(tensor) == before[0]:
                    self._since[slot] = max(number, self._since[slot])
                else:
                    del self._prints[slot]
                    fed = slot in self._fed
                    switch = self.switches.get(slot, NONE) if tensor.requires_grad else NONE
                    self.changes.append(
                        LaterChange(
                            slot, self._since[slot], number, fed, tensor.requires_grad, at_end, name, site, switch
                        )
                    )

    def end(self) -> Guarded | None:
        """Read everything for the last time, and return what was found, by slot."""
        if not self.recorder.placement.guard:
            return None
        self.look(at_end=True)
        self._leaves, self._owners = [], []
        return Guarded(tuple(self.held), self.recorder.pace.number, tuple(self.changes))

    def watch_switch(self, original: Any) -> Any:
        """Return `Tensor.requires_grad_`, noting where it is called between windows."""
        recorder = self.recorder

        @functools.wraps(original)
        def requires_grad_(tensor: torch.Tensor, requires_grad: bool = True) -> Any:
            result = original(tensor, requires_grad)
            try:
                if recorder.is_own_thread() and (slot := recorder.ops.tensors.slot(tensor)) != NONE:
                    self.switches[slot] = recorder.sites.here(sys._getframe(1))
            except Exception as error:
                recorder.fail(error)
            return result

        return requires_grad_
