"""Watches modules: their calls, the short-lived ones made in a forward, and every switch between train and eval mode."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch

from gradcheck_freeze.trace.record import NONE, ModuleCall

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder


class ModuleWatch:
    """The module calls of one window, as global forward hooks see them."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.calls: list[ModuleCall] = []
        self._inner_sites: list[int] = []  # per call: where the ops of a module of torch's own are called from
        self.switches: list[tuple[int, bool, int, int]] = []  # module number, train mode, site, time

    def enter(self, module: torch.nn.Module, args: Any) -> None:
        """Note that a module is called."""
        recorder = self.recorder
        if not recorder.here():
            return
        try:
            inventory, ops = recorder.inventory, recorder.ops
            number = inventory.number(module)
            frame = sys._getframe(1)
            if number not in inventory.called:
                inventory.called.add(number)
                self._name_local(module, number, frame)
            site = recorder.sites.here(frame)
            self.calls.append(ModuleCall(number, ops.call, site, module.training))
            self._inner_sites.append(site if type(module).__module__.startswith("torch.") else NONE)
            ops.call = len(self.calls) - 1
            ops.call_site = self._inner_sites[-1]
        except Exception as error:
            recorder.fail(error)

    def leave(self, module: torch.nn.Module, args: Any, output: Any) -> None:
        """Note that a module has returned or raised."""
        recorder = self.recorder
        if not recorder.here():
            return
        call = recorder.ops.call
        number = recorder.inventory.numbers.get(id(module))
        while call != NONE and self.calls[call].module != number:
            call = self.calls[call].parent
        if call != NONE:
            recorder.ops.call = parent = self.calls[call].parent
            recorder.ops.call_site = self._inner_sites[parent] if parent != NONE else NONE

    def _name_local(self, module: torch.nn.Module, number: int, frame: Any) -> None:
        """Name a module that a forward holds in a local variable only."""
        recorder = self.recorder
        if recorder.ops.call == NONE:
            return
        parent = self.calls[recorder.ops.call].module
        above = recorder.inventory.modules[parent]()
        user = recorder.sites.user_frame(frame)
        if above is None or user is None or any(module is child for child in above.modules()):
            return
        local = next((name for name, value in user.f_locals.items() if value is module), None)
        if local is not None and user.f_locals.get("self") is above:
            recorder.inventory.local[number] = (parent, local)
            self._keep_local(module, parent, local)

    def _keep_local(self, module: torch.nn.Module, parent: int, local: str) -> None:
        """Give the parameters of a short-lived module their slots while it lives."""
        recorder = self.recorder
        for name, tensor in module.named_parameters():
            recorder.ops.value_of(tensor)
            slot = recorder.ops.tensors.slot(tensor)
            if slot != NONE:
                recorder.inventory.short_lived.append(
                    (slot, parent, f"{local}.{name}", tuple(tensor.shape), str(tensor.dtype))
                )

    def watch_train(self, original: Any) -> Any:
        """Return `Module.train`, which `eval` calls too, noting the outermost module that is switched and where."""
        watch = self
        inside = 0

        def train(module: torch.nn.Module, mode: bool = True) -> Any:
            nonlocal inside
            recorder = watch.recorder
            if not inside and recorder.here():
                try:
                    site = recorder.sites.here(sys._getframe(1))
                    watch.switches.append((recorder.inventory.number(module), bool(mode), site, len(recorder.ops.ops)))
                except Exception as error:
                    recorder.fail(error)
            inside += 1
            try:
                return original(module, mode)
            finally:
                inside -= 1

        return train
