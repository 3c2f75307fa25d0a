"""Keeps the list of modules, parameters and buffers, under the names found for them while the program ran."""

from __future__ import annotations

from typing import Any
from weakref import ref

import torch

from gradcheck_freeze.trace import names
from gradcheck_freeze.trace.ops import OpRecorder
from gradcheck_freeze.trace.record import LEAF, NONE, REQUIRES_GRAD, WatchedModule, WatchedTensor

_KNOWN_ATTRIBUTES = frozenset(vars(torch.nn.Parameter(torch.empty(0)))) | {"requires_grad"}


class Inventory:
    """Modules by the names that led to them; a name once given stays, a shorter way found later is an alias."""

    def __init__(self, recorder: OpRecorder) -> None:
        self.recorder = recorder
        self.modules: list[ref[torch.nn.Module]] = []  # in the order first seen
        self.numbers: dict[int, int] = {}
        self.called: set[int] = set()
        self.declared: dict[int, int] = {}  # module number → site
        self.tensor_declared: dict[int, int] = {}  # slot → site
        self.tensor_built: dict[int, int] = {}  # slot → site of the construction of the whole module
        self.roots: dict[int, tuple[ref[torch.nn.Module], list[str]]] = {}
        self.loose: dict[int, list[str]] = {}  # slot → names of a bare tensor
        self.optimizer_names: dict[int, tuple[ref[torch.optim.Optimizer], list[str]]] = {}
        self.local: dict[int, tuple[int, str]] = {}  # module made in a forward → number of the parent, local name
        self.kept: dict[int, tuple[list[str], str, int]] = {}  # slot → names, kind, module number: of what may die
        self.short_lived: list[tuple[int, int, str, tuple[int, ...], str]] = []  # slot, parent, name, shape, dtype
        self.entries: dict[int, tuple[torch.nn.Module, list[str], int, bool]] = {}

    def number(self, module: torch.nn.Module) -> int:
        """Return the number of a module, new or known."""
        number = self.numbers.get(id(module))
        if number is not None and self.modules[number]() is module:
            return number
        number = self.numbers[id(module)] = len(self.modules)
        self.modules.append(ref(module))
        return number

    def search(self, spaces: list[Any], final: bool) -> None:
        """Search namespaces and keep the names they give; those found when the window closes go before older ones."""
        found = names.search(spaces)
        for module, paths in found.modules.values():
            self.number(module)
            held = self.roots.get(id(module))
            if held is None or held[0]() is not module:
                held = self.roots[id(module)] = (ref(module), [])
            _merge(held[1], paths, final)
        for tensor, paths in found.tensors.values():
            self.recorder.value_of(tensor)
            slot = self.recorder.tensors.slot(tensor)
            if slot != NONE:
                _merge(self.loose.setdefault(slot, []), paths, final)
        for optimizer, paths in found.optimizers.values():
            held_optimizer = self.optimizer_names.setdefault(id(optimizer), (ref(optimizer), []))
            if held_optimizer[0]() is not optimizer:
                held_optimizer = self.optimizer_names[id(optimizer)] = (ref(optimizer), [])
            _merge(held_optimizer[1], paths, final)
        if final:
            self.kept_before = self.kept
            self.kept = {}
        self.walk()
        if final:
            for slot, entry in self.kept_before.items():
                self.kept.setdefault(slot, entry)

    def walk(self) -> None:
        """Walk every module from its roots and give its tensors slots and names."""
        self.entries.clear()
        alive = [(module, names) for reference, names in self.roots.values() if (module := reference()) is not None]
        inner: set[int] = set()
        for module, _ in alive:
            inner.update(id(child) for child in _below(module))
        for outermost in (True, False):
            for module, paths in alive:
                if (id(module) not in inner) == outermost:
                    for path in paths:
                        self._enter(module, path, NONE, True)
        for number, reference in enumerate(list(self.modules)):
            module = reference()
            if (
                module is not None
                and id(module) not in self.entries
                and (number in self.called or number in self.local)
            ):
                parent, local = self.local.get(number, (NONE, ""))
                above = self.modules[parent]() if parent != NONE else None
                if above is not None and local and id(above) in self.entries:
                    self._enter(module, f"{self.entries[id(above)][1][0]}.{local}", parent, False)
                elif number in self.called and not self._is_inner(module):
                    self._enter(module, f"{type(module).__name__}#{number}", NONE, True)
        for module, paths, _, registered in self.entries.values():
            self._keep(module, paths, registered)

    def _is_inner(self, module: torch.nn.Module) -> bool:
        return any(
            other is not None and other is not module and any(child is module for child in other._modules.values())
            for other in (reference() for reference in self.modules)
        )

    def _enter(self, module: torch.nn.Module, path: str, parent: int, registered: bool) -> None:
        stack = [(module, path, parent, registered)]
        while stack:
            module, path, parent, registered = stack.pop()
            entry = self.entries.get(id(module))
            if entry is None:
                number = self.number(module)
                self.entries[id(module)] = (module, [path], parent, registered)
            elif path in entry[1] or len(entry[1]) > 8:
                continue
            else:
                entry[1].append(path)
                number = self.number(module)
            below = [
                (child, f"{path}.{name}", number, registered and kept) for name, child, kept in names.children(module)
            ]
            stack.extend(reversed(below))

    def _keep(self, module: torch.nn.Module, paths: list[str], registered: bool) -> None:
        number = self.number(module)
        here: list[tuple[str, torch.Tensor, str, bool]] = []
        here += [(name, t, "parameter", registered) for name, t in module._parameters.items() if t is not None]
        here += [(name, t, "buffer", registered) for name, t in module._buffers.items() if t is not None]
        here += [(name, t, "parameter", False) for name, t in names.unregistered(module) if isinstance(t, torch.Tensor)]
        for name, tensor, kind, is_registered in here:
            self.recorder.value_of(tensor)
            slot = self.recorder.tensors.adopt(tensor)
            if slot == NONE:
                continue
            full = [f"{path}.{name}" for path in paths]
            kept = self.kept.get(slot)
            if kept is None:
                self.kept[slot] = (full, kind if is_registered else f"loose {kind}", number)
            else:
                kept[0].extend(n for n in full if n not in kept[0])

    def slots(self) -> list[int]:
        """Return the slots that have a name."""
        return sorted({*self.kept, *self.loose})

    def watched_modules(self) -> tuple[list[WatchedModule], dict[int, int]]:
        """Return the modules that have a name, and for each number its index there."""
        watched: list[WatchedModule] = []
        index: dict[int, int] = {}
        ordered = sorted(self.entries.values(), key=lambda entry: (entry[1][0].count("."), self.number(entry[0])))
        for module, paths, parent, registered in ordered:
            number = self.number(module)
            index[number] = len(watched)
            attributes = ("requires_grad",) if "requires_grad" in vars(module) else ()
            watched.append(
                WatchedModule(
                    paths[0],
                    type(module).__name__,
                    index.get(parent, NONE),
                    module.training,
                    number in self.called,
                    attributes,
                    registered,
                    self.declared.get(number, NONE),
                    tuple(paths[1:]),
                )
            )
        return watched, index

    def watched_tensors(
        self, modules: dict[int, int], extra: dict[int, str]
    ) -> tuple[list[WatchedTensor], dict[int, int]]:
        """Return the tensors that have a name, those in an optimizer included, and for each slot its index there."""
        watched: list[WatchedTensor] = []
        index: dict[int, int] = {}
        held = {
            id(t)
            for module, *_ in self.entries.values()
            for t in (*module._parameters.values(), *module._buffers.values())
        }
        for slot in [
            *self.kept,
            *(s for s in self.loose if s not in self.kept),
            *(s for s in extra if s not in self.kept),
        ]:
            if slot in index:
                continue
            tensor = self.recorder.tensors.slots[slot]()
            full, kind, number = self.kept.get(slot, (self.loose.get(slot) or [extra.get(slot, "")], "tensor", NONE))
            aliases = [name for name in self.loose.get(slot, []) if name not in full]
            value = self.recorder.tensors.slot_values[slot]
            flags = self.recorder.values.flags[value]
            index[slot] = len(watched)
            loose = kind.startswith("loose ")
            alive = tensor is not None and (kind == "tensor" or loose or id(tensor) in held)
            watched.append(
                WatchedTensor(
                    (*full, *aliases),
                    kind.removeprefix("loose "),
                    tuple(tensor.shape) if tensor is not None else (),
                    str(tensor.dtype).removeprefix("torch.") if tensor is not None else "",
                    tensor.numel() if tensor is not None else 0,
                    tensor.requires_grad if tensor is not None else bool(flags & REQUIRES_GRAD and flags & LEAF),
                    kind in ("parameter", "buffer"),
                    modules.get(number, NONE),
                    alive,
                    self.tensor_declared.get(slot, NONE),
                    tuple(sorted(set(getattr(tensor, "__dict__", ())) - _KNOWN_ATTRIBUTES)),
                    self.tensor_built.get(slot, NONE),
                )
            )
        return watched, index


def _merge(names: list[str], found: list[str], first: bool) -> None:
    """Add names to those known, before or after them; a chain of attributes never goes before a plain variable."""
    fresh = [name for name in found if not (names and "." in name and "." not in names[0])] if first else []
    rest = [name for name in (*names, *found) if name not in fresh]
    names[:] = [*fresh, *dict.fromkeys(rest)]


def _below(module: torch.nn.Module) -> list[torch.nn.Module]:
    found: list[torch.nn.Module] = []
    stack = [module]
    seen = {id(module)}
    while stack:
        for _, child, _ in names.children(stack.pop()):
            if id(child) not in seen:
                seen.add(id(child))
                found.append(child)
                stack.append(child)
    return found
