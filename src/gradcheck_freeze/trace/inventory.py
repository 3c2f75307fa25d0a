"""Keeps the list of modules, parameters and buffers, under the names found for them while the program ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import ref

import torch

from gradcheck_freeze.trace import names
from gradcheck_freeze.trace.ops import OpRecorder
from gradcheck_freeze.trace.record import LEAF, NONE, REQUIRES_GRAD, WatchedModule, WatchedTensor

_KNOWN_ATTRIBUTES = frozenset(vars(torch.nn.Parameter(torch.empty(0)))) | {"requires_grad"}


@dataclass(slots=True)
class _Entry:
    """A module as it was at the last walk that met it: it may be gone when the window closes, with the function that ran."""

    module: ref[torch.nn.Module]
    names: list[str]
    parent: int
    registered: bool
    type_name: str
    training: bool
    attributes: tuple[str, ...]
    slots: set[int] = field(default_factory=set)  # of the tensors that it held itself


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
        self.forms: dict[int, tuple[tuple[int, ...], str, int]] = {}  # slot → shape, dtype, number of elements
        self.short_lived: list[tuple[int, int, str, tuple[int, ...], str]] = []  # slot, parent, name, shape, dtype
        self.entries: dict[int, _Entry] = {}  # by module number

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
                self._note_form(slot, tensor)
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
        before = self.entries
        self.entries = {}
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
            if module is not None and number not in self.entries and (number in self.called or number in self.local):
                parent, local = self.local.get(number, (NONE, ""))
                if local and parent in self.entries:
                    self._enter(module, f"{self.entries[parent].names[0]}.{local}", parent, False)
                elif number in self.called and number not in before and not self._is_inner(module):
                    self._enter(module, f"{type(module).__name__}#{number}", NONE, True)
        for entry in list(self.entries.values()):
            if (module := entry.module()) is not None:
                self._keep(module, entry)
        self._remember(before)

    def _remember(self, before: dict[int, _Entry]) -> None:
        """Keep what was known of modules that are gone with all that held them, unless their name is another's now."""
        taken = {name for entry in self.entries.values() for name in entry.names}
        # `self.head` and `trainer.head` are one place, seen from inside and from outside.
        taken |= {f"self.{n.partition('.')[2]}" for e in self.entries.values() if e.parent == NONE for n in e.names}
        left: set[int] = set()
        for number, entry in before.items():
            holder = entry.parent if entry.parent != NONE else number
            gone = holder in left or self.modules[holder]() is None
            if gone and number not in self.entries and entry.names[0] not in taken:
                self.entries[number] = entry
                left.add(number)

    def _is_inner(self, module: torch.nn.Module) -> bool:
        return any(
            other is not None and other is not module and any(child is module for child in other._modules.values())
            for other in (reference() for reference in self.modules)
        )

    def _enter(self, module: torch.nn.Module, path: str, parent: int, registered: bool) -> None:
        stack = [(module, path, parent, registered)]
        while stack:
            module, path, parent, registered = stack.pop()
            number = self.number(module)
            entry = self.entries.get(number)
            if entry is None:
                attributes = ("requires_grad",) if "requires_grad" in vars(module) else ()
                self.entries[number] = _Entry(
                    ref(module), [path], parent, registered, type(module).__name__, module.training, attributes
                )
            elif path in entry.names or len(entry.names) > 8:
                continue
            else:
                entry.names.append(path)
            below = [
                (child, f"{path}.{name}", number, registered and kept) for name, child, kept in names.children(module)
            ]
            stack.extend(reversed(below))

    def _note_form(self, slot: int, tensor: torch.Tensor) -> None:
        self.forms[slot] = (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), tensor.numel())

    def _keep(self, module: torch.nn.Module, entry: _Entry) -> None:
        number, paths, registered = self.number(module), entry.names, entry.registered
        here: list[tuple[str, torch.Tensor, str, bool]] = []
        here += [(name, t, "parameter", registered) for name, t in module._parameters.items() if t is not None]
        here += [(name, t, "buffer", registered) for name, t in module._buffers.items() if t is not None]
        here += [(name, t, "parameter", False) for name, t in names.unregistered(module) if isinstance(t, torch.Tensor)]
        for name, tensor, kind, is_registered in here:
            self.recorder.value_of(tensor)
            slot = self.recorder.tensors.adopt(tensor)
            if slot == NONE:
                continue
            self._note_form(slot, tensor)
            if kind == "buffer" or module._parameters.get(name) is tensor:
                entry.slots.add(slot)
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
        for number, entry in sorted(self.entries.items(), key=lambda item: (item[1].names[0].count("."), item[0])):
            index[number] = len(watched)
            watched.append(
                WatchedModule(
                    entry.names[0],
                    entry.type_name,
                    index.get(entry.parent, NONE),
                    entry.training,
                    number in self.called,
                    entry.attributes,
                    entry.registered,
                    self.declared.get(number, NONE),
                    tuple(entry.names[1:]),
                )
            )
        return watched, index

    def watched_tensors(
        self, modules: dict[int, int], extra: dict[int, str]
    ) -> tuple[list[WatchedTensor], dict[int, int]]:
        """Return the tensors that have a name, those in an optimizer included, and for each slot its index there."""
        watched: list[WatchedTensor] = []
        index: dict[int, int] = {}
        held = {slot for entry in self.entries.values() for slot in entry.slots}
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
            alive = slot in held or ((tensor is not None or slot in self.loose) and (kind == "tensor" or loose))
            if tensor is not None:
                self._note_form(slot, tensor)
            shape, dtype, numel = self.forms.get(slot, ((), "", 0))
            watched.append(
                WatchedTensor(
                    (*full, *aliases),
                    kind.removeprefix("loose "),
                    shape,
                    dtype,
                    numel,
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
