"""What the author calls things: the variable that holds a root module, then the qualified name.

Variables of the program's own files are searched breadth first: globals and the locals of the functions now running, then
attributes of objects, then items of lists and dicts. The shortest way to an object names it; the others are aliases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import torch

from gradcheck_freeze.trace.distributed import attribute_of
from gradcheck_freeze.trace.sites import is_user_file
from gradcheck_freeze.trace.tensors import is_leaf

_DEPTH = 4  # variable → attribute → item → attribute
_MOST_ITEMS = 2_000
_MOST_OBJECTS = 50_000
_OPAQUE = (str, bytes, int, float, bool, complex, type(None), ModuleType, type, FunctionType, MethodType)


@dataclass(slots=True)
class Found:
    """The modules, tensors and optimizers that variables lead to, each with its names, the shortest first."""

    modules: dict[int, tuple[torch.nn.Module, list[str]]] = field(default_factory=dict)
    tensors: dict[int, tuple[torch.Tensor, list[str]]] = field(default_factory=dict)
    optimizers: dict[int, tuple[torch.optim.Optimizer, list[str]]] = field(default_factory=dict)


def search(namespaces: list[Mapping[str, Any]]) -> Found:
    """Return what the given namespaces lead to; earlier ones name first at equal length."""
    found = Found()
    seen: set[int] = set()
    level: list[tuple[str, Any]] = []
    for namespace in namespaces:
        level.extend((name, value) for name, value in list(namespace.items()) if not name.startswith("__"))
    for depth in range(_DEPTH):
        deeper: list[tuple[str, Any]] = []
        for path, value in level:
            if isinstance(value, _OPAQUE):
                continue
            if isinstance(value, torch.nn.Module):
                _add(found.modules, value, path)
            elif isinstance(value, torch.Tensor):
                if value.requires_grad and is_leaf(value):
                    _add(found.tensors, value, path)
            elif isinstance(value, torch.optim.Optimizer):
                _add(found.optimizers, value, path)
            elif id(value) not in seen and depth + 1 < _DEPTH and len(seen) < _MOST_OBJECTS:
                seen.add(id(value))
                deeper.extend((f"{path}.{name}", item) for name, item in items(value))
        # Objects named `self` in a running method name their attributes as the author writes them there.
        level = sorted(deeper, key=lambda pair: not pair[0].startswith("self."))
    return found


def _add(table: dict[int, tuple[Any, list[str]]], value: Any, path: str) -> None:
    names = table.setdefault(id(value), (value, []))[1]
    if path not in names:
        names.append(path)


def items(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the items of a list or dict, or the attributes of an object of a user's class, under their names."""
    if isinstance(value, dict):
        if len(value) <= _MOST_ITEMS:
            yield from ((str(key), item) for key, item in list(value.items()) if isinstance(key, (str, int)))
    elif isinstance(value, (list, tuple)):
        if len(value) <= _MOST_ITEMS and not all(isinstance(item, _OPAQUE) for item in value[:3]):
            yield from ((str(index), item) for index, item in enumerate(value))
    elif is_user_object(value):
        yield from list(vars(value).items())


def is_user_object(value: Any) -> bool:
    """Return whether this is an instance of a class that the user wrote, with attributes of its own."""
    kind = type(value)
    if not isinstance(getattr(value, "__dict__", None), dict):
        return False
    init = kind.__dict__.get("__init__")
    if isinstance(init, FunctionType):
        return is_user_file(init.__code__.co_filename) or init.__code__.co_filename == "<string>"
    return any(isinstance(f, FunctionType) and is_user_file(f.__code__.co_filename) for f in vars(kind).values()) or (
        kind.__module__ in ("__main__", "types") or kind.__name__ == "SimpleNamespace"
    )


def namespaces_of(frames: list[FrameType], main: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the globals and locals of the running functions: `__main__` first, then the outermost function."""
    spaces: list[Mapping[str, Any]] = [] if main is None else [main]
    for frame in frames:
        if not any(frame.f_globals is space for space in spaces):
            spaces.append(frame.f_globals)
    spaces.extend(frame.f_locals for frame in frames if frame.f_locals is not frame.f_globals)
    return spaces


def children(module: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module, bool]]:
    """Yield the modules that a module holds, with whether they are registered: those in lists and dicts are not."""
    registered = module._modules
    yield from ((name, child, True) for name, child in registered.items() if child is not None)
    for path, value in unregistered(module):
        if isinstance(value, torch.nn.Module):
            yield path, value, False


def unregistered(module: torch.nn.Module) -> Iterator[tuple[str, Any]]:
    """Yield modules and leaves that require grad which sit in plain containers or objects of a module.

    What a wrapper of torch's keeps for itself is not the author's.
    """
    if attribute_of(module):
        return
    stack = [
        (name, value, 0) for name, value in vars(module).items() if not name.startswith("_") and name != "training"
    ]
    seen: set[int] = {id(module)}
    while stack:
        path, value, depth = stack.pop(0)
        if isinstance(value, _OPAQUE) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            if value.requires_grad and is_leaf(value):
                yield path, value
        elif isinstance(value, torch.nn.Module):
            if depth:
                yield path, value
        elif depth < 3:
            stack.extend((f"{path}.{name}", item, depth + 1) for name, item in items(value))


def below(module: torch.nn.Module) -> list[torch.nn.Module]:
    """Return every module under one, each once."""
    found: list[torch.nn.Module] = []
    stack = [module]
    seen = {id(module)}
    while stack:
        for _, child, _ in children(stack.pop()):
            if id(child) not in seen:
                seen.add(id(child))
                found.append(child)
                stack.append(child)
    return found


def merge(names: list[str], found: list[str], first: bool) -> None:
    """Add names to those known, before or after them; a chain of attributes never goes before a plain variable."""
    fresh = [name for name in found if not (names and "." in name and "." not in names[0])] if first else []
    rest = [name for name in (*names, *found) if name not in fresh]
    names[:] = [*fresh, *dict.fromkeys(rest)]
