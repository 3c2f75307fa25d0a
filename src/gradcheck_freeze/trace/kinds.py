"""What has to be known of a torch function before its call is recorded, and the tensors among its arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

import torch

from gradcheck_freeze.trace.numbers import MADE_OF_NUMBERS

VIEWING = {"data", "T", "mT", "H", "mH", "real", "imag"}  # properties that give another tensor
_LEAVING = {  # calls that take numbers out of torch
    "item",
    "tolist",
    "numpy",
    "__array__",
    "__float__",
    "__int__",
    "__bool__",
    "__index__",
    "__complex__",
    "__dlpack__",
    "data_ptr",
}
NOT_TENSORS = frozenset({type(None), bool, int, float, str, slice, torch.dtype, torch.device})
_WRITING_IN_PLACE = {"__setitem__", "batch_norm", "instance_norm", "embedding", "embedding_bag"}
_SHAPED_LIKE = {  # calls that ask a tensor for its shape, dtype and device only
    "zeros_like",
    "ones_like",
    "empty_like",
    "full_like",
    "rand_like",
    "randn_like",
    "randint_like",
    "new_zeros",
    "new_ones",
    "new_empty",
    "new_full",
}
# Calls of which only the first argument is data: the others give a shape or a dtype, or are the memo of a deepcopy.
_OF_THE_FIRST = {"to", "type_as", "view_as", "expand_as", "reshape_as", "__deepcopy__"}

Special = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
Observer = Callable[[tuple[Any, ...], dict[str, Any]], None]


class Kind:
    """What has to be known of one torch function, found once."""

    __slots__ = ("data", "leaves", "name", "numbers", "observe", "skip", "special", "writes")

    def __init__(self, func: Any, name: int, text: str, special: Special | None) -> None:
        self.name = name
        self.special = special
        self.observe: Observer | None = None
        self.leaves = text in _LEAVING
        self.data = 0 if text in _SHAPED_LIKE else 1 if text in _OF_THE_FIRST else None  # arguments that are data
        self.numbers = text in MADE_OF_NUMBERS
        self.skip = False
        self.writes = (
            (text.endswith("_") and not text.endswith("__"))
            or text.startswith("__i")
            or text in _WRITING_IN_PLACE
            or isinstance(func, FunctionType)
        )


def any_is(tensors: list[torch.Tensor], tensor: torch.Tensor) -> bool:
    """Return whether a tensor is among these, as the object it is."""
    for other in tensors:  # noqa: SIM110 - a generator given to `any` costs more than the loop
        if other is tensor:
            return True
    return False


def collect(arguments: Iterable[Any], found: list[torch.Tensor]) -> None:
    """Append the tensors among the arguments, those in nested tuples, lists and dicts included."""
    for argument in arguments:
        kind = type(argument)
        if kind in NOT_TENSORS:  # most arguments that are no tensor; isinstance with torch.Tensor is slow to say no
            continue
        if kind is torch.Tensor or isinstance(argument, torch.Tensor):
            found.append(argument)
        elif isinstance(argument, (tuple, list)):
            collect(argument, found)
        elif isinstance(argument, dict):
            collect(argument.values(), found)
