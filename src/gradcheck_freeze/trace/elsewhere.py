"""Keeps away from what other threads and processes train: it is said to be there, and not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

import torch

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder


class Elsewhere:
    """What is trained where nothing is watched."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._held: dict[int, ref[torch.Tensor]] = {}  # what an optimizer in another thread holds, by identity

    def stepped(self, optimizer: torch.optim.Optimizer) -> None:
        """Say that an optimizer stepped where nothing is watched, if the window is open; it uses what its tensors get."""
        recorder = self.recorder
        if recorder.is_open and not recorder.is_own_thread():
            recorder.gradients.unsettle()
            self.used(optimizer)
            recorder.gap("an optimizer stepped in another thread; what is computed and trained there was not watched")

    def used(self, optimizer: torch.optim.Optimizer) -> None:
        """Keep away from the gradients of what an optimizer holds that is used in another thread."""
        for tensor in (tensor for group in optimizer.param_groups for tensor in group["params"]):
            self._held[id(tensor)] = ref(tensor)

    def forget(self, tensor: torch.Tensor) -> None:
        """Drop the weak reference to a tensor."""
        self._held.pop(id(tensor), None)

    def apart(self) -> set[int]:
        """Return the slots to keep away from: a gradient that another thread is freeing must not even be looked at."""
        if not self._held:
            return set()
        own, known = self.recorder.optimizers.held(), self.recorder.ops.tensors.slots
        there = {id(tensor) for held in list(self._held.values()) if (tensor := held()) is not None}
        return {slot for slot, held in enumerate(known) if id(held()) in there and slot not in own}

    def note_shared(self) -> None:
        """Say that other processes can write into parameters, as where several train one model."""
        live = (tensor for reference in self.recorder.ops.tensors.slots if (tensor := reference()) is not None)
        if any(type(t) is torch.nn.Parameter and t.device.type == "cpu" and t.is_shared() for t in live):
            self.recorder.gap("parameters are in shared memory; what other processes do to them was not watched")
