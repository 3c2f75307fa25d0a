"""Finds what a function can use that is not among its arguments: modules, tensors and optimizers it takes from around it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import CodeType, FunctionType, MethodType
from typing import Any

import torch

from gradcheck_freeze.trace.sites import is_user_file

_DEPTH = 6  # of functions that call functions, and of containers in containers
_MOST = 10_000  # objects looked at
_CONTAINERS = (list, tuple, set, frozenset)


@dataclass(slots=True)
class Reached:
    """What was found, each once, in the order in which it was found."""

    modules: list[torch.nn.Module] = field(default_factory=list)
    tensors: list[torch.Tensor] = field(default_factory=list)
    optimizers: list[torch.optim.Optimizer] = field(default_factory=list)

    def all_tensors(self) -> list[torch.Tensor]:
        """Return the tensors found, with the parameters and buffers of the modules found, each once."""
        found = {id(tensor): tensor for tensor in self.tensors}
        for module in self.modules:
            for tensor in (*module.parameters(), *module.buffers()):
                found.setdefault(id(tensor), tensor)
        return list(found.values())


def reached_from(starts: Iterable[Any]) -> Reached:
    """Return what these objects lead to: functions through their closures and the globals that they name."""
    found, seen = Reached(), set[int]()
    waiting = [(start, 0) for start in starts]
    while waiting and len(seen) < _MOST:
        thing, depth = waiting.pop(0)
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, torch.Tensor):
            found.tensors.append(thing)
        elif isinstance(thing, torch.nn.Module):
            found.modules.append(thing)
        elif isinstance(thing, torch.optim.Optimizer):
            found.optimizers.append(thing)
        elif depth < _DEPTH:
            waiting.extend((next_thing, depth + 1) for next_thing in _beyond(thing))
    return found


def _beyond(thing: Any) -> Iterator[Any]:
    """Yield what an object leads to directly."""
    if isinstance(thing, FunctionType):
        for cell in thing.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:  # a variable that has no value yet
                continue
        yield from thing.__defaults__ or ()
        yield from (thing.__kwdefaults__ or {}).values()
        if is_user_file(thing.__code__.co_filename):
            yield from (thing.__globals__[name] for name in _names(thing.__code__) if name in thing.__globals__)
    elif isinstance(thing, MethodType):
        yield thing.__self__
        yield thing.__func__
    elif isinstance(thing, functools.partial):
        yield from (thing.func, thing.args, thing.keywords)
    elif isinstance(thing, dict):
        yield from dict.values(thing)  # not what a subclass may do in its place
    elif isinstance(thing, _CONTAINERS):
        kind: Any = next(kind for kind in _CONTAINERS if isinstance(thing, kind))
        yield from kind.__iter__(thing)
    elif not isinstance(thing, type) and is_user_file(_file(type(thing))):
        yield from getattr(thing, "__dict__", {}).values()


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names that a function asks for, and the functions written in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _file(kind: type) -> str:
    """Return where the first function of a class is written; a file of Python's own if it has none."""
    codes = (getattr(value, "__code__", None) for value in vars(kind).values())
    return next((code.co_filename for code in codes if isinstance(code, CodeType)), functools.__file__)
