"""Puts the recorder's hooks into torch for the time of a window, and takes every one of them out again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Lock
from typing import Any

import torch
from torch.overrides import TorchFunctionMode, _len_torch_function_stack, _pop_mode, _push_mode
from torch.utils._device import DeviceContext

_INHERITED = object()
_KEPT_BY_TORCH = {  # name → where torch keeps what it finds under it, if that is first imported while we watch
    "__call__": (
        ("torch._dynamo.utils", "unpatched_nn_module_call"),
        ("torch._dynamo.variables.nn_module", "unpatched_nn_module_call"),
    )
}


def push_to_bottom(mode: TorchFunctionMode) -> None:
    """Put a mode under every other one, but above the context of `torch.set_default_device`."""
    others = [_pop_mode() for _ in range(_len_torch_function_stack())][::-1]
    default = [other for other in others[:1] if isinstance(other, DeviceContext)]
    for other in (*default, mode, *others[len(default) :]):
        _push_mode(other)


def remove_mode(mode: TorchFunctionMode) -> bool:
    """Take a mode out from wherever it stands in this thread's stack; return whether it was there."""
    others = [_pop_mode() for _ in range(_len_torch_function_stack())][::-1]
    for other in others:
        if other is not mode:
            _push_mode(other)
    return any(other is mode for other in others)


def _put_back(owner: Any, name: str, ours: Any, raw: Any) -> None:
    """Put an original back into its place, and into where torch keeps what it found there while we watched."""
    if raw is _INHERITED:
        delattr(owner, name)
        return
    setattr(owner, name, raw)
    for module, kept in _KEPT_BY_TORCH.get(name, ()):
        if (holder := sys.modules.get(module)) is not None and vars(holder).get(kept) is ours:
            setattr(holder, kept, raw)


class Patches:
    """Attributes replaced for a while; `undo` puts the very originals back, and `suspend` does until `resume`."""

    def __init__(self) -> None:
        self._lasting: list[tuple[Any, str, Any, Any]] = []  # replaced, and not suspended
        self._suspensions = 0
        self._lock = Lock()
        self._suspended: list[tuple[Any, str, Any, Any]] = []
        self._unhooked: list[tuple[Any, int, Any]] = []  # what is called of hooks, number, hook
        self._replaced: list[tuple[Any, str, Any, Any]] = []  # owner, name, ours, the original
        self._handles: list[Any] = []

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Set `owner.name` to what `make` gives for the original."""
        raw = vars(owner).get(name, _INHERITED)
        setattr(owner, name, make(getattr(owner, name) if raw is _INHERITED else raw))
        self._replaced.append((owner, name, vars(owner)[name], raw))

    def replace_for_good(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Do so where it is to stay while the others are suspended."""
        self.replace(owner, name, make)
        self._lasting.append(self._replaced.pop())

    def suspend(self) -> None:
        """Put every original back, and take the hooks out, until as many `resume`."""
        with self._lock:
            self._suspensions += 1
            if self._suspensions == 1:
                self._take_out()

    def resume(self) -> None:
        """Put in again what `suspend` took out, where the program has put nothing of its own meanwhile."""
        with self._lock:
            if self._suspensions:  # else everything was undone meanwhile
                self._suspensions -= 1
                if not self._suspensions:
                    self._put_in()

    def _take_out(self) -> None:
        self._suspended = [
            (owner, name, ours, raw) for owner, name, ours, raw in self._replaced if vars(owner).get(name) is ours
        ]
        for owner, name, ours, raw in reversed(self._suspended):
            _put_back(owner, name, ours, raw)
        for handle in self._handles:
            hooks = handle.hooks_dict_ref()
            if hooks is not None and handle.id in hooks:
                self._unhooked.append((hooks, handle.id, hooks.pop(handle.id)))

    def _put_in(self) -> None:
        for owner, name, ours, raw in self._suspended:
            if vars(owner).get(name, _INHERITED) is raw:
                setattr(owner, name, ours)
        for hooks, number, hook in self._unhooked:
            hooks[number] = hook
        self._suspended.clear()
        self._unhooked.clear()

    def keep(self, handle: Any) -> None:
        """Remember a torch handle whose `remove()` takes a hook out."""
        self._handles.append(handle)

    def undo(self) -> None:
        """Take every hook out and put every original back, but where the program has put something of its own since."""
        self._suspensions = 0
        self._suspended.clear()
        self._unhooked.clear()
        while self._handles:
            self._handles.pop().remove()
        for replaced in (self._replaced, self._lasting):
            while replaced:
                owner, name, ours, raw = replaced.pop()
                if vars(owner).get(name) is ours:
                    _put_back(owner, name, ours, raw)


def known_to_jit(ours: Any, original: Any) -> None:
    """Let TorchScript compile a call of ours to what it compiles that of the original to: it knows some functions by identity."""
    try:
        table = torch.jit._builtins._get_builtin_table()
        if id(original) in table:
            table[id(ours)] = table[id(original)]
    except (AttributeError, TypeError):
        pass


def answer_as_if_absent(mode: TorchFunctionMode) -> Callable[[Any], Any]:
    """Return a maker of a `has_torch_function` that does not see our mode.

    Attention layers ask it whether they may take their fast path in eval mode; our mode alone must not change the answer.
    """

    def make(original: Any) -> Any:
        def has_torch_function(arguments: Any) -> bool:
            if not remove_mode(mode):
                return bool(original(arguments))
            try:
                return bool(original(arguments))
            finally:
                push_to_bottom(mode)

        known_to_jit(has_torch_function, original)
        return has_torch_function

    return make
