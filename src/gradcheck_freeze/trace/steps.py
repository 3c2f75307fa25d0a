"""Watches optimizer steps: what each really changed, and by the gradient of which backward calls."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch

from gradcheck_freeze.trace.distributed import rank
from gradcheck_freeze.trace.fingerprint import fingerprint
from gradcheck_freeze.trace.gradients import GradientWatch
from gradcheck_freeze.trace.inventory import Inventory
from gradcheck_freeze.trace.masks import MaskWatch
from gradcheck_freeze.trace.memory import PLAIN, has_memory, held_by, size_of
from gradcheck_freeze.trace.ops import OpRecorder
from gradcheck_freeze.trace.optimizers import Optimizers
from gradcheck_freeze.trace.record import NONE, Prints
from gradcheck_freeze.trace.training import GradientState, SkippedStep, Step, Write

_MEASURED = 1  # steps of each optimizer of which it is told how far they move: it costs as much as the rest of the look
_COMPARED = 3  # steps of each optimizer after which ranks are compared
_MOST_COPIED = 64_000_000  # bytes that are kept for that while such a step runs


@dataclass(slots=True)
class _Now:
    """What is known of the step now running, by slot."""

    number: int  # of its optimizer
    site: int
    slots: list[int]
    gradients: dict[int, GradientState]
    losses: dict[int, tuple[int, ...]]
    copies: dict[int, torch.Tensor]  # from before the step
    changed: dict[int, float | None] = field(default_factory=dict)  # before a closure was called


class StepWatch:
    """The steps of one window, and every change of a watched tensor outside them."""

    def __init__(
        self,
        recorder: OpRecorder,
        inventory: Inventory,
        optimizers: Optimizers,
        gradients: GradientWatch,
        masks: MaskWatch,
    ) -> None:
        self.recorder = recorder
        self.inventory = inventory
        self.optimizers = optimizers
        self.masks = masks
        self.gradients = gradients
        self.steps: list[Step] = []
        self.skipped: list[SkippedStep] = []
        self.bytes_read = 0
        self._watched: tuple[Any, list[int], Any] = None, [], None  # what it was made of, and slots
        self._sizes: dict[int, int] = {}  # slot → bytes
        self.writes: list[Write] = []
        self.pending: dict[
            int, tuple[int, int, int, int]
        ] = {}  # slot → the last write seen: op, site, time, module call
        self.prints: dict[int, int] = {}
        self.running: list[int] = []  # the optimizers whose step is running, the outermost first
        self.compared: list[Prints] = []  # what there was at the first steps, where several ranks train together
        self._now: _Now | None = None

    def watched(self) -> list[int]:
        """Return the slots to fingerprint: those that have a name, and all that an optimizer holds, whoever else does."""
        named = self.inventory.kept, self.inventory.loose  # nothing is ever taken out of either
        held = [group.tensors for groups in self.optimizers.groups for group in groups]
        key = (len(named[0]), len(named[1]), *map(id, held))
        if key != self._watched[0]:
            self._watched = key, sorted(set().union(*named, *held)), held  # held, so that no identity is given anew
        return self._watched[1]

    def compare(self, passing_over: Container[int] = ()) -> dict[int, None]:
        """Fingerprint every watched tensor but some, and return those that differ from the last time."""
        changed: dict[int, None] = {}
        references, prints, sizes, size = self.recorder.tensors.slots, self.prints, self._sizes, 0
        for slot in self.watched():
            if slot in passing_over or (tensor := references[slot]()) is None:
                continue
            now = fingerprint(tensor)
            size += sizes.get(slot) or sizes.setdefault(slot, size_of(tensor))
            if prints.get(slot, now) != now:
                changed[slot] = None
            prints[slot] = now
        self.bytes_read += size
        return changed

    def note_writes(self, passing_over: Container[int] = ()) -> None:
        """Note what changed since the last look, as writes outside every step."""
        for slot in self.compare(passing_over):
            op, site, after, call = self.pending.get(slot, (NONE, NONE, len(self.recorder.ops), NONE))
            self.writes.append(Write(slot, op, site, after, call))
        self.pending.clear()

    def start_anew(self) -> None:
        """Take what every watched tensor holds now as given: what changed it since the last window was not watched."""
        self.running.clear()
        self._now = None
        self.compare()
        self.pending.clear()

    def slot_written(self, slot: int, op: int) -> None:
        """Note an in-place op on a slot; whether it changed anything is told by the next fingerprint."""
        ops = self.recorder.ops
        self.pending[slot] = (op, ops.site[op], op, ops.call[op])
        parameter = self.gradients.gradient_slots.get(slot)
        if parameter is not None:
            self.masks.gradient_written(parameter, op)

    def begin(self, optimizer: torch.optim.Optimizer) -> None:
        """Note that a step begins; `after` ends it, whatever fails between."""
        self.running.append(self.optimizers.number(optimizer))
        self.recorder.pause()

    def before(self, args: Any, kwargs: Any, site: int) -> Any:
        """Run before the step that has just begun; give back its arguments, with the closure wrapped if there is one."""
        number = self.running[-1]
        if number in self.running[:-1]:  # a step of its own calls that of its base class: one step
            return None
        self._now = None
        slots = self.optimizers.look(number)
        self.gradients.forget_zeroed()
        gradients = self.gradients.see(slots)
        # What the step is going to move anyhow is read once, after it, unless something was seen to write into it before,
        # or it has never been read: there would be nothing to compare the first step with.
        sure = {s for s, held in gradients.items() if held.state == "finite" and s in self.prints}
        self.note_writes(sure - self.pending.keys())
        if not self.optimizers.counts[number]:
            self._keep_prints(number)
        self.masks.before_step(slots)
        losses = {s: tuple(self.gradients.contributors[s]) for s in slots if s in self.gradients.contributors}
        copies = self._copies(slots) if self.optimizers.counts[number] < _MEASURED else {}
        self._now = now = _Now(number, site, slots, gradients, losses, copies)
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if not callable(closure):
            return None
        wrapped = self._wrap(closure, now)
        return ((args[0], wrapped, *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "closure": wrapped})

    def _copies(self, slots: list[int]) -> dict[int, torch.Tensor]:
        """Return copies of what a step may move, if they are small enough to be kept while it runs."""
        plain = {
            slot: t
            for slot in slots
            if (t := self._alone(slot)) is not None
            and (type(t) in PLAIN and t.is_floating_point() and has_memory(t) and t.layout is torch.strided)
        }
        if sum(tensor.nbytes for tensor in plain.values()) > _MOST_COPIED:
            return {}
        return {slot: tensor.detach().clone() for slot, tensor in plain.items()}

    def _alone(self, slot: int) -> torch.Tensor | None:
        """Return the one tensor that holds what this process has of a source, None where there are several or none."""
        tensor = self.recorder.tensors.slots[slot]()
        parts = [] if tensor is None else held_by(tensor)
        return parts[0] if len(parts) == 1 else None

    def _ratios(self, copies: dict[int, torch.Tensor]) -> dict[int, float | None]:
        """Return how far a step moved each tensor, as a part of its norm before; None for what was zero."""
        ratios: dict[int, float | None] = {}
        with torch._C.DisableTorchFunction(), torch.no_grad():
            for slot, before in copies.items():
                here = self._alone(slot)
                if here is not None and here.shape == before.shape:
                    moved, norm = (float(torch.linalg.vector_norm(t)) for t in (here.detach() - before, before))
                    ratios[slot] = moved / norm if norm else None
        return ratios

    def states_now(self) -> Iterable[GradientState]:
        """Return what `.grad` held, tensor by tensor, before the step now running."""
        return self._now.gradients.values() if self._now is not None else ()

    def _wrap(self, closure: Callable[[], Any], now: _Now) -> Callable[[], Any]:
        """Return the closure, watched as the user's own code though it runs inside the step."""

        @functools.wraps(closure)
        def run() -> Any:
            now.changed.update(self.compare())
            depth = self.recorder.wake()
            try:
                return closure()
            finally:
                self.recorder.pause(depth)
                self.gradients.forget_zeroed()
                now.gradients = self.gradients.see(now.slots)
                contributors = self.gradients.contributors
                now.losses.update({s: tuple(contributors[s]) for s in now.slots if s in contributors})
                self.note_writes()

        return run

    def after(self) -> None:
        """Run after every step: note what it changed."""
        if not self.running:
            return
        number = self.running.pop()
        try:
            if self._now is not None and self._now.number == number and number not in self.running:
                self._note(self._now)
        finally:
            self.recorder.resume()

    def _note(self, now: _Now) -> None:
        number, gradients = now.number, now.gradients
        changed: dict[int, float | None] = {**now.changed, **self.compare()}
        for slot in self._left_still(number, changed):
            del changed[slot]
        copies, now.copies = now.copies, {}
        if copies:
            changed.update(self._ratios({slot: copies[slot] for slot in changed if slot in copies}))
        self.recorder.tensors.moved(changed)
        stood = [slot for slot, held in gradients.items() if slot not in changed and held.state == "finite"]
        changed.update((slot, None) for slot in stood if self._elsewhere(slot))
        lr = tuple(group.settings.get("lr", 0.0) for group in self.optimizers.groups[number])
        moved = self.masks.after_step()
        self.steps.append(Step(number, now.site, len(self.recorder.ops), gradients, now.losses, changed, lr, moved))
        self.recorder.rows += 1 + len(gradients)
        self.optimizers.counts[number] += 1
        if self.optimizers.counts[number] <= _COMPARED:
            self._keep_prints(number)

    def _keep_prints(self, number: int) -> None:
        """Keep the fingerprints just taken, to be held against those of other ranks."""
        if rank() is not None:
            self.compared.append(Prints(number, self.optimizers.counts[number], dict(self.prints)))

    def _elsewhere(self, slot: int) -> bool:
        """Return whether other ranks hold all of a sharded tensor, which moves there as its gradient says."""
        tensor = self.recorder.tensors.slots[slot]()
        if tensor is None or not tensor.numel():
            return False
        parts = held_by(tensor)
        return bool(parts) and not any(part.numel() for part in parts)

    def _left_still(self, number: int, changed: Iterable[int]) -> list[int]:
        """Return the tensors without memory that a step went over and would not move: its learning rate is 0."""
        known = self.recorder.tensors.slots
        still = {s for group in self.optimizers.groups[number] if group.settings.get("lr") == 0 for s in group.tensors}
        return [s for s in changed if s in still and (tensor := known[s]()) is not None and not has_memory(tensor)]

    def broken_off(self) -> None:
        """Go on after a step that raised: torch calls no hook then."""
        if self._now is not None:
            self._now.copies = {}
        while self.running:
            self.running.pop()
            self.recorder.resume()

    def asked(self, optimizer: torch.optim.Optimizer, site: int) -> tuple[int, int, int]:
        """Note that a GradScaler is asked for a step; return what `answered` needs."""
        return self.optimizers.number(optimizer), site, len(self.steps)

    def answered(self, asked: tuple[int, int, int]) -> None:
        """Note the step that a GradScaler was asked for and left out, or asked for in vain of a fused optimizer."""
        number, site, before = asked
        made = self.steps[before:]
        slots = self.optimizers.look(number)
        if any(step.changed for step in made):
            return
        gradients = made[0].gradients if made else self.gradients.see(slots)
        if any(state.state == "nonfinite" for state in gradients.values()):
            del self.steps[before:]
            self.recorder.rows += 1 + len(gradients)
            self.skipped.append(SkippedStep(number, site, len(self.recorder.ops), gradients))
            self.optimizers.counts[number] += not made
