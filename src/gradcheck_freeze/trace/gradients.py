"""Watches `.grad`: what it holds, since which backward calls it has been adding up, and what set or cleared it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

import torch

from gradcheck_freeze.trace.gradient_state import state_of
from gradcheck_freeze.trace.installed import push_to_bottom, remove_mode
from gradcheck_freeze.trace.memory import PLAIN, version_of
from gradcheck_freeze.trace.ops import OpRecorder
from gradcheck_freeze.trace.record import NONE
from gradcheck_freeze.trace.training import GradientState, ZeroGrad

_RANK = {"none": 0, "zero": 1, "finite": 2, "nonfinite": 3}
Held = dict[int, tuple[int, int]]  # slot → identity and version of its `.grad`


def _hooked(leaf: torch.Tensor) -> bool:
    """Return whether a hook of the user's gets the gradient of a leaf, and may use it in a way that is not seen."""
    return bool(leaf._backward_hooks or getattr(leaf, "_post_accumulate_grad_hooks", None))


class GradientWatch:
    """Every `.grad` of one window, by the slot of its leaf."""

    def __init__(self, recorder: OpRecorder) -> None:
        self.recorder = recorder
        self.zeroings: list[ZeroGrad] = []
        self.contributors: dict[int, list[int]] = {}  # slot → backwards whose gradient its `.grad` still holds
        self.discarded: dict[int, list[int]] = {}  # slot → backwards whose gradient was cleared before any step saw it
        self.handed: dict[
            int, list[tuple[int, int]]
        ] = {}  # slot → when and where the program put in a gradient of its own
        self.lent: set[int] = set()  # slots whose `.grad` a step took as that of another leaf
        self.written: set[int] = set()  # slots whose `.grad` the user's code wrote into since it was last looked at
        self.fed_earlier: set[int] = set()  # slots whose `.grad` held something in a step that is not watched
        self._stepped: dict[int, int] = {}  # slot → the last backward that a step saw in its `.grad`
        self.states: dict[int, GradientState] = {}
        self.sizes: dict[int, int] = {}  # slot → bytes of its `.grad`, where that is dense
        self._ever_nonfinite = False
        self.gradient_slots: dict[int, int] = {}  # slot of a `.grad` that the user's code read → slot of its parameter
        self._held: Held = {}  # as the last backward left it, but for what was dropped since
        self._known_of = (
            0  # of so many slots `_held` names every `.grad` that is there; 0 where one may have been put in since
        )
        self._owners: dict[int, int] = {}  # identity of a `.grad` → slot
        recorder.on_first_seen = self._first_seen
        self.apart: Callable[[], Container[int]] = frozenset  # the slots whose `.grad` must not be looked at

    def _first_seen(self, tensor: torch.Tensor) -> None:
        """Note that a tensor which the user's code reads for the first time is the `.grad` of a leaf."""
        slot = self._owners.get(id(tensor))
        leaf = None if slot is None else self.recorder.tensors.slots[slot]()
        if slot is not None and leaf is not None and leaf.grad is tensor:
            self.gradient_slots[self.recorder.tensors.slot(tensor)] = slot

    def leaves(self) -> Iterable[tuple[int, torch.Tensor]]:
        """Yield the live leaves that require grad, with their slots."""
        apart = self.apart()
        for slot, reference in enumerate(self.recorder.tensors.slots):
            tensor = reference()
            if tensor is not None and tensor.requires_grad and tensor.is_leaf and slot not in apart:
                yield slot, tensor

    def held(self, first: int = 0) -> Held:
        """Return identity and version of every `.grad` that is there, of this slot and those after it."""
        apart = self.apart()
        return {
            slot: (id(gradient), gradient._version if type(gradient) in PLAIN else version_of(gradient))
            for slot, reference in enumerate(self.recorder.tensors.slots[first:], first)
            if (tensor := reference()) is not None
            and tensor.is_leaf  # frozen or not: what was given before it was frozen is there still when it learns again
            and slot not in apart
            and (gradient := tensor.grad) is not None
        }

    def forget_zeroed(self, now: Held | None = None) -> None:
        """Drop from the contributors what was zeroed since the last backward, by any means; `now`: what `held` gives."""
        references = self.recorder.tensors.slots
        now = now or {}
        for slot in list(self.contributors):
            last = self._held.get(slot)
            if last is not None and now.get(slot) == last and slot not in self.written:
                continue
            tensor = references[slot]()
            gradient = None if tensor is None else tensor.grad
            if gradient is None or (
                (slot in self.written or last != (id(gradient), version_of(gradient)))
                and state_of([gradient])[0].state == "zero"
            ):
                held, stepped = self.contributors.pop(slot), self._stepped.get(slot, NONE)
                if held[-1] > stepped and tensor is not None and not _hooked(tensor):
                    self.discarded.setdefault(slot, []).extend(b for b in held if b > stepped)
        self.written.clear()

    def forget(self) -> None:
        """Drop all that was seen, but whose `.grad` held something."""
        self.fed_earlier.update(self.contributors)
        self.zeroings.clear()
        for by_slot in (self.contributors, self.discarded, self.handed, self.states, self._stepped):
            by_slot.clear()
        self.lent.clear()

    def start_anew(self) -> None:
        """Take every `.grad` as it is now: nothing is known of the backward calls that left something in it."""
        self.contributors.clear()
        self.written.clear()
        self._stepped.clear()
        self.settle(self.held())
        self.unsettle()

    def before_backward(self) -> Held:
        """Return what `held` gives before a backward call, having dropped what was zeroed since the last."""
        before = self.held(0 if self._held else self._known_of)
        self.forget_zeroed(before)
        return before

    def settle(self, held: Held) -> None:
        """Take every `.grad` as it is now, as a backward call has left it."""
        self._held = held
        self._known_of = len(self.recorder.tensors.slots)
        self._owners = {identity: slot for slot, (identity, _) in held.items()}

    def close(self) -> None:
        """Look at every `.grad` for the last time."""
        self.look(slot for slot, _ in self.leaves())
        self.forget_zeroed()
        self.lent.update(slot for slot, tensor in self.leaves() if _hooked(tensor))

    def see(self, slots: Iterable[int]) -> dict[int, GradientState]:
        """Return what a step that holds these slots finds in `.grad`."""
        found = self.look(slots)
        contributors = self.contributors
        self._stepped.update({slot: contributors[slot][-1] for slot in found if slot in contributors})
        return found

    def look(self, slots: Iterable[int]) -> dict[int, GradientState]:
        """Return what `.grad` of these slots holds now, and remember the strongest state of each."""
        found: dict[int, GradientState] = {}
        there, gradients = [], []
        references, owner_of, sizes = self.recorder.tensors.slots, self._owners.get, self.sizes
        for slot in slots:
            tensor = references[slot]()
            gradient = None if tensor is None else tensor.grad
            if gradient is None:
                found[slot] = GradientState("none")
            else:
                there.append(slot)
                gradients.append(gradient)
                if slot not in sizes and gradient.layout is torch.strided:
                    sizes[slot] = gradient.nbytes
                if (owner := owner_of(id(gradient), slot)) != slot:
                    self._note_lent(owner, gradient)
        found.update(zip(there, state_of(gradients), strict=True))
        self.remember(found)
        return found

    def _note_lent(self, owner: int, gradient: torch.Tensor) -> None:
        """Note that the `.grad` of a leaf is used as that of another, if it is that tensor: an identity is soon given anew."""
        leaf = self.recorder.tensors.slots[owner]()
        if leaf is not None and leaf.grad is gradient:
            self.lent.add(owner)

    def remember(self, found: Mapping[int, GradientState]) -> None:
        """Keep the state that says more of each slot: nonfinite over finite over zero over none."""
        states = self.states
        if not self._ever_nonfinite:
            words = {state.state for state in found.values()}
            self._ever_nonfinite = "nonfinite" in words
            if words == {"finite"}:  # as in most steps: nothing says more, and the latest norm counts
                states.update(found)
                return
        for slot, state in found.items():
            known = states.get(slot)
            if known is None or _RANK[state.state] >= _RANK[known.state]:
                states[slot] = state

    def grad_set(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run `tensor.grad = value` and note a zeroing, or that the program puts in a gradient of its own."""
        result = func(*args, **kwargs)
        try:
            if len(args) > 1 and args[1] is None:
                self.zeroed([args[0]], sys._getframe(1))
            elif len(args) > 1 and (slot := self.recorder.tensors.slot(args[0])) != NONE:
                self.unsettle()
                self.handed.setdefault(slot, []).append(
                    (len(self.recorder.ops), self.recorder.sites.here(sys._getframe(1)))
                )
                self.recorder.count()
                owner = self._owners.get(id(args[1]), slot)
                if owner != slot:
                    self._note_lent(owner, args[1])
        except Exception as error:
            self.recorder.on_failure(error)
        return result

    def zero_grad(self, optimizer: torch.optim.Optimizer, zero: Callable[[], Any], frame: Any) -> Any:
        """Run an optimizer's zero_grad that sets every `.grad` to None, and note which it dropped.

        The mode is off meanwhile: two calls through it for every parameter would cost more than the zeroing itself.
        """
        was_on = remove_mode(self.recorder)
        held: list[torch.Tensor] = []
        try:
            try:
                held = [t for group in optimizer.param_groups for t in group["params"] if t.grad is not None]
            except Exception as error:
                self.recorder.on_failure(error)
            return zero()
        finally:
            try:
                self.zeroed([tensor for tensor in held if tensor.grad is None], frame)
            except Exception as error:
                self.recorder.on_failure(error)
            if was_on:
                push_to_bottom(self.recorder)

    def unsettle(self) -> None:
        """Note that a `.grad` may have been put in by something else than a backward that was seen."""
        self._known_of = 0

    def zeroed(self, tensors: Iterable[torch.Tensor], frame: Any) -> None:
        """Note that the `.grad` of these leaves was dropped, here in the user's code."""
        slots = self.recorder.tensors.slots_of(tensors)
        if not slots:
            return
        contributors, stepped = self.contributors, self._stepped
        for slot in slots:
            self._held.pop(slot, None)
            if slot in contributors and contributors[slot][-1] <= stepped.get(slot, NONE):
                del contributors[slot]  # as `forget_zeroed` would
        site = self.recorder.sites.here(frame)
        after = len(self.recorder.ops)
        last = self.zeroings[-1] if self.zeroings else None
        if last is not None and last.site == site and last.after == after:
            self.zeroings[-1] = ZeroGrad(tuple(dict.fromkeys((*last.tensors, *slots))), site, after)
        else:
            self.zeroings.append(ZeroGrad(tuple(dict.fromkeys(slots)), site, after))
