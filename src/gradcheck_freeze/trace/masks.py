"""Watches the user's code set parts of a gradient to zero: by a write into `.grad`, or in a hook on the tensor."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

from gradcheck_freeze.trace.memory import has_memory
from gradcheck_freeze.trace.record import NONE
from gradcheck_freeze.trace.sites import is_user_file
from gradcheck_freeze.trace.training import Masking

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder


_ZEROING = frozenset({"zero_", "_foreach_zero_"})


class MaskWatch:
    """The gradients of one window that the user's code took something out of."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.found: dict[int, Masking] = {}  # slot of the parameter → the first masking
        self._where: dict[int, torch.Tensor] = {}  # slot → the entries that it took the gradient from
        self._hooks: list[tuple[Any, int, Any]] = []  # hook dictionary, key, the user's own hook
        self._suspected: set[int] = set()
        self._arrived: dict[int, torch.Tensor] = {}  # slot → where its gradient was not zero after the last backward
        self._before: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def gradient_written(self, slot: int, op: int) -> None:
        """Note an in-place op of the user's own on the `.grad` of a parameter, if it left zeros."""
        self.recorder.gradients.written.add(slot)  # through `.data`, which leaves no trace in the version
        tensor = self.recorder.ops.tensors.slots[slot]()
        gradient = None if tensor is None else tensor.grad
        if gradient is not None and not has_memory(gradient):
            self._zeroed_unseen(slot, op)
            return
        if slot in self.found or gradient is None or gradient.layout is not torch.strided or not _asked_by_user():
            return
        zeros = gradient.detach() == 0
        if not bool(zeros.any()) or bool(zeros.all()):  # all of it is zeroing the gradient, as zero_grad does
            return
        arrived = self._arrived.pop(slot, None)
        if arrived is None:
            self._suspected.add(slot)  # zeros may be natural: at the next backward it is known what arrives
        elif bool((masked := zeros & arrived).any()):
            self.found[slot], self._where[slot] = Masking(slot, self.recorder.ops.ops.site[op], False), masked

    def _zeroed_unseen(self, slot: int, op: int) -> None:
        """Drop a gradient without memory that is set to zero: nothing but the name of the op can tell."""
        ops = self.recorder.ops
        if ops.names[ops.ops.name[op]] in _ZEROING:
            self.recorder.gradients.contributors.pop(slot, None)

    def backward_done(self, received: Iterable[int]) -> None:
        """Keep where the gradient of a suspected parameter is not zero when it arrives."""
        for slot in self._suspected.intersection(received):
            tensor = self.recorder.ops.tensors.slots[slot]()
            if tensor is not None and tensor.grad is not None and slot not in self.found:
                self._arrived[slot] = tensor.grad.detach() != 0

    def register_hook(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Run `tensor.register_hook(hook)`; a hook on a parameter is watched for what it takes out of the gradient."""
        handle = func(*args, **kwargs)
        recorder = self.recorder
        try:
            tensor = args[0]
            recorder.ops.value_of(tensor)
            slot = recorder.ops.tensors.slot(tensor)
            hooks = handle.hooks_dict_ref()
            if slot != NONE and hooks is not None and handle.id in hooks:
                code = getattr(hooks[handle.id], "__code__", None)
                if code is not None and is_user_file(code.co_filename):
                    site = recorder.sites.start(code)
                else:
                    site = recorder.sites.here(sys._getframe(2))
                self._hooks.append((handle.hooks_dict_ref, handle.id, hooks[handle.id]))
                hooks[handle.id] = self._watched(hooks[handle.id], slot, site)
                recorder.ops.count()
        except Exception as error:
            recorder.fail(error)
        return handle

    def _watched(self, hook: Any, slot: int, site: int) -> Any:
        def watched(gradient: torch.Tensor) -> Any:
            before: torch.Tensor | None = None
            try:
                if has_memory(gradient):
                    before = gradient.detach() != 0  # the hook may write into the gradient itself
            except Exception as error:
                self.recorder.fail(error)
            result = hook(gradient)
            if before is None:
                return result
            try:
                after = result if isinstance(result, torch.Tensor) else gradient
                lost = before & (after.detach() == 0)
                if slot not in self.found and bool(lost.any()):
                    self.found[slot], self._where[slot] = Masking(slot, site, not bool(after.detach().any())), lost
            except Exception as error:
                self.recorder.fail(error)
            return result

        return watched

    def before_step(self, slots: list[int]) -> None:
        """Keep what is needed to tell whether a step moves a tensor where its gradient was masked."""
        for slot in slots:
            if slot in self._where:
                tensor = self.recorder.ops.tensors.slots[slot]()
                if tensor is not None and tensor.grad is not None:
                    # Entries that no batch reached have a zero gradient too, and momentum may move them.
                    self._before[slot] = (tensor.detach().clone(), self._where[slot] & (tensor.grad.detach() == 0))

    def after_step(self) -> tuple[int, ...]:
        """Return the tensors that the step moved where their gradient was masked."""
        moved = []
        for slot, (before, masked) in self._before.items():
            tensor = self.recorder.ops.tensors.slots[slot]()
            if tensor is not None and bool(((tensor.detach() != before) & masked).any()):
                moved.append(slot)
        self._before.clear()
        return tuple(moved)

    def close(self) -> None:
        """Give every tensor the user's own hook back."""
        for reference, key, hook in self._hooks:
            hooks = reference()
            if hooks is not None and key in hooks:
                hooks[key] = hook
        for known in (self._hooks, self._where, self._suspected, self._arrived, self._before):
            known.clear()


def _asked_by_user() -> bool:
    """Return whether the torch call now recorded was made by the user's own code, not by a function of torch's."""
    frame: Any = sys._getframe(1)
    package = __file__.rpartition("/")[0]
    while frame is not None and frame.f_code.co_filename.startswith(package):
        frame = frame.f_back
    return frame is not None and is_user_file(frame.f_code.co_filename)
