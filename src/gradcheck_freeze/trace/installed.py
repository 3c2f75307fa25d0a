"""Puts the recorder's hooks into torch for the time of a window, and takes every one of them out again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode, _len_torch_function_stack, _pop_mode, _push_mode
from torch.utils._device import DeviceContext


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


class Patches:
    """Attributes replaced for a while; `undo` puts the very originals back."""

    def __init__(self) -> None:
        self._originals: list[tuple[Any, str, Any, bool]] = []
        self._handles: list[Any] = []

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Set `owner.name` to what `make` gives for the original."""
        own = name in vars(owner)
        raw = vars(owner)[name] if own else getattr(owner, name)
        setattr(owner, name, make(raw))
        self._originals.append((owner, name, raw, own))

    def keep(self, handle: Any) -> None:
        """Remember a torch handle whose `remove()` takes a hook out."""
        self._handles.append(handle)

    def undo(self) -> None:
        """Take every hook out and put every original back."""
        while self._handles:
            self._handles.pop().remove()
        while self._originals:
            owner, name, raw, own = self._originals.pop()
            if own:
                setattr(owner, name, raw)
            else:
                delattr(owner, name)


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

        try:
            torch.jit._builtins._get_builtin_table()[id(has_torch_function)] = "aten::has_torch_function"
        except (AttributeError, TypeError):
            pass
        return has_torch_function

    return make
