"""Watches modules: their calls, the short-lived ones made in a forward, and every switch between train and eval mode."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any
from weakref import ref

import torch

from gradcheck_freeze.trace.distributed import attribute_of, gathers, unsharded, wrapped
from gradcheck_freeze.trace.record import NONE

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder


Met = tuple[ref[torch.nn.Module], int, bool]  # a module, its number, and whether its class is torch's own


class ModuleWatch:
    """The module calls of one window."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.calls: list[
            tuple[int, int, int, bool]
        ] = []  # what a `ModuleCall` holds: a plain tuple is made in half the time
        self._met: dict[int, Met] = {}  # by identity: what was called before
        self._inner: dict[type, bool] = {}  # whether a class of modules is torch's own
        self._gathering: dict[int, ref[torch.nn.Module]] = {}  # those that gather parameters before their forward
        self._gathered: list[torch.nn.Module] = []  # wrappers that have gathered what is called next
        self.switches: list[tuple[int, bool, int, int]] = []  # module number, train mode, site, time

    def watch_call(self, original: Any) -> Any:
        """Return `Module.__call__`, noting what runs between the call of a module and its return.

        Global forward hooks would tell the same, but send every call through the slow half of `Module._call_impl`, which
        costs more than all that is done here.
        """
        watch, recorder, ops = self, self.recorder, self.recorder.ops

        @functools.wraps(original)
        def __call__(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            if not recorder.here():
                return original(module, *args, **kwargs)
            outer, outer_site = ops.call, ops.call_site
            try:
                watch._enter(module, sys._getframe(1))
            except Exception as error:
                recorder.fail(error)
            try:
                return original(module, *args, **kwargs)
            finally:
                ops.call, ops.call_site = outer, outer_site

        return __call__

    def stand_in(self, tensor: torch.Tensor) -> int | None:
        """Return the value of a parameter that stands in for the author's sharded one in a forward, None for any other."""
        if not self._gathering or not isinstance(tensor, torch.nn.Parameter):
            return None
        for reference in self._gathering.values():
            module = reference()
            for whole, own in unsharded(module) if module is not None else ():
                if whole is tensor:
                    return self.recorder.ops.same(tensor, own)
        return None

    def _enter(self, module: torch.nn.Module, frame: Any) -> None:
        recorder, ops, calls = self.recorder, self.recorder.ops, self.calls
        met = self._met.get(id(module))
        if met is None or met[0]() is not module or self._gathered:
            met = self._meet(module, frame)
            if met is None:
                return
        _, number, inner = met
        site = recorder.sites.here(frame)
        calls.append((number, ops.call, site, module.training))
        ops.call_site = site if inner else NONE
        ops.call = len(calls) - 1
        if len(calls) > ops.max_ops:
            recorder.full()

    def _meet(self, module: torch.nn.Module, frame: Any) -> Met | None:
        """Return what the call of a module is to be told by, None for that of a wrapper."""
        inventory = self.recorder.inventory
        kind = type(module)
        inner = self._inner.get(kind)
        if inner is None:
            inner = self._inner[kind] = kind.__module__.startswith("torch.")
        wrapper = inner and attribute_of(module)
        if wrapper:  # it has no place of its own among the author's modules
            if gathers(module):
                self._gathered.append(module)
            if wrapper != "_orig_mod":
                return None
        author = module
        while wrapper and (within := wrapped(author)) is not None:  # compiled, it is not called itself
            author = within
        while self._gathered:
            for whole, own in unsharded(self._gathered.pop()):
                self.recorder.ops.same(whole, own)
        number = inventory.number(author)
        if number not in inventory.called:
            inventory.called.add(number)
            if gathers(author):
                self._gathering[number] = ref(author)
            self._name_local(author, number, frame)
        met = self._met[id(module)] = ref(module), number, inner
        return met

    def _name_local(self, module: torch.nn.Module, number: int, frame: Any) -> None:
        """Name a module that a forward holds in a local variable only."""
        recorder = self.recorder
        if recorder.ops.call == NONE:
            return
        parent, *_ = self.calls[recorder.ops.call]
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
                    recorder.ops.count()
                except Exception as error:
                    recorder.fail(error)
            inside += 1
            try:
                return original(module, mode)
            finally:
                inside -= 1

        return train
