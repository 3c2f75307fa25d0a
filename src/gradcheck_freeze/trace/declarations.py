"""Watches the lines by which an author declares an intent: flags set, parameters and modules registered or replaced."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from gradcheck_freeze.trace.distributed import attribute_of
from gradcheck_freeze.trace.record import NONE, REQUIRES_GRAD
from gradcheck_freeze.trace.tensors import flags_of

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder


class DeclarationWatch:
    """The declarations of one window, by slot."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.walked: dict[int, int] = {}  # site → time of the first walk over the names of parameters there
        self.made: list[tuple[str, bool, int, int, int]] = []  # kind, value, slot, site, time

    def _note(self, kind: str, value: bool, slot: int, site: int) -> None:
        self.made.append((kind, value, slot, site, len(self.recorder.ops.ops)))
        self.recorder.ops.rows += 1  # torch may be calling hooks now, of which none must be taken out

    def _displaced(self, old: torch.Tensor, site: int) -> None:
        slot = self.recorder.ops.tensors.slot(old)
        if slot != NONE:
            self._note("displaced", False, slot, site)

    def requires_grad(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Run `requires_grad_()` or an assignment to `requires_grad`, and note it."""
        result = func(*args, **kwargs)
        recorder = self.recorder
        try:
            tensor = args[0]
            tensors = recorder.ops.tensors
            value = recorder.ops.value_of(tensor)
            # A loss that was computed without gradient and is then made to require it still depends on what it was made of.
            computed = tensor.dim() == 0 and tensors.slot(tensor) == NONE
            slot = tensors.adopt(tensor) if tensor.requires_grad and tensor.is_leaf else tensors.slot(tensor)
            if slot != NONE:
                if computed and tensor.requires_grad:
                    recorder.ops.write_op(
                        recorder.ops.number("requires_grad_"), [value], (), [tensor], sys._getframe(2)
                    )
                else:
                    tensors.add(tensor, NONE, flags_of(tensor), slot, len(recorder.ops.ops))
                self._note("requires_grad", bool(tensor.requires_grad), slot, recorder.sites.here(sys._getframe(2)))
                recorder.ops.count(0)
        except Exception as error:
            recorder.fail(error)
        return result

    def switched_unseen(self, sites: Mapping[int, int]) -> None:
        """Note the leaves whose flag was set while no window was open, at these sites where they are known."""
        ops = self.recorder.ops
        tensors, values = ops.tensors, ops.values
        for reference in list(tensors.slots):
            tensor = reference()
            value = None if tensor is None else tensors.known(tensor)
            if tensor is None or value is None or not tensor.is_leaf:
                continue
            slot, flags = values.tensor[value], flags_of(tensor)
            if slot != NONE and (flags ^ values.flags[value]) & REQUIRES_GRAD:
                tensors.add(tensor, NONE, flags, slot, len(ops.ops))
                self._note("requires_grad", bool(flags & REQUIRES_GRAD), slot, sites.get(slot, NONE))

    def parameter_registered(self, module: torch.nn.Module, name: str, parameter: Any) -> None:
        """Note where a parameter was put under a name; returning None leaves it as it is."""
        recorder = self.recorder
        if not recorder.here() or parameter is None:
            return
        try:
            with torch._C.DisableTorchFunction():
                recorder.ops.value_of(parameter)
            slot = recorder.ops.tensors.slot(parameter)
            frame = sys._getframe(1)
            site = recorder.sites.here(frame)
            if slot != NONE:
                recorder.inventory.tensor_declared[slot] = site
                recorder.inventory.tensor_built.setdefault(slot, recorder.sites.construction(frame, torch.nn.Module))
                self._note_construction(frame)
                old = module._parameters.get(name)
                replaced = old is not None
                if old is not None and old is not parameter:
                    self._displaced(old, site)
                self._note("replaced" if replaced else "registered", True, slot, site)
        except Exception as error:
            recorder.fail(error)

    def watch_walk(self, original: Any) -> Any:
        """Return `Module.named_parameters`, noting where the user's code asks for the names."""
        recorder = self.recorder

        @functools.wraps(original)
        def named_parameters(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            try:
                if recorder.here():
                    frame = sys._getframe(1)
                    if recorder.sites.is_user(frame.f_code.co_filename):
                        self.walked.setdefault(recorder.sites.of(frame), len(recorder.ops.ops))
            except Exception as error:
                recorder.fail(error)
            return original(module, *args, **kwargs)

        return named_parameters

    def buffer_registered(self, module: torch.nn.Module, name: str, buffer: Any) -> None:
        """Note where a buffer was put under a name; returning None leaves it as it is."""
        recorder = self.recorder
        if not recorder.here() or buffer is None:
            return
        try:
            tensors = recorder.ops.tensors
            with torch._C.DisableTorchFunction():
                recorder.ops.value_of(buffer)
                slot = tensors.adopt(buffer)
            if slot != NONE:
                recorder.inventory.tensor_declared.setdefault(slot, recorder.sites.here(sys._getframe(1)))
        except Exception as error:
            recorder.fail(error)

    def _note_construction(self, frame: Any) -> None:
        """Note, for every module whose `__init__` is running, where its class was called."""
        recorder = self.recorder
        while frame is not None:
            module = frame.f_locals.get("self") if frame.f_code.co_name == "__init__" else None
            if isinstance(module, torch.nn.Module):
                number = recorder.inventory.number(module)
                outer = (
                    frame.f_back
                )  # an overridden `__init__` calls those of its bases first: the outermost call counts
                recorder.inventory.constructed[number] = recorder.sites.here(outer)
            frame = frame.f_back

    def module_registered(self, module: torch.nn.Module, name: str, child: Any) -> None:
        """Note where a module was put under a name, and whether it took the place of another."""
        recorder = self.recorder
        if not recorder.here() or child is None:
            return
        try:
            site = recorder.sites.here(sys._getframe(1))
            recorder.inventory.declared[recorder.inventory.number(child)] = site
            if attribute_of(module) == name:
                recorder.inventory.spreading.wraps(module, child)
            old = module._modules.get(name)
            if old is not None:
                for parameter in old.parameters() if old is not child else ():
                    self._displaced(parameter, site)
                for parameter in child.parameters():
                    recorder.ops.value_of(parameter)
                    slot = recorder.ops.tensors.slot(parameter)
                    if slot != NONE:
                        recorder.inventory.tensor_declared.setdefault(slot, site)
                        self._note("replaced", True, slot, site)
        except Exception as error:
            recorder.fail(error)
