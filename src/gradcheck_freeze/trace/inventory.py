"""Keeps the list of modules, parameters and buffers, under the names found for them while the program ran."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any
from weakref import ref

import torch

from gradcheck_freeze.trace import names
from gradcheck_freeze.trace.distributed import attribute_of, spread_of_dtensor, wrapped
from gradcheck_freeze.trace.ops import OpRecorder
from gradcheck_freeze.trace.record import LEAF, NONE, REQUIRES_GRAD, WatchedModule, WatchedTensor
from gradcheck_freeze.trace.spreading import Spreading
from gradcheck_freeze.trace.tensors import is_leaf

_KNOWN_ATTRIBUTES = frozenset(vars(torch.nn.Parameter(torch.empty(0)))) | {"requires_grad"}


@dataclass(slots=True)
class _Entry:
    """What is known of a module, as it was when it was last seen alive."""

    paths: list[str]
    parent: int  # module number, or NONE
    registered: bool
    type_name: str = ""
    training: bool = True
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of a tensor, as it was when it was last seen alive."""

    shape: tuple[int, ...]
    dtype: str
    numel: int
    requires_grad: bool
    attributes: tuple[str, ...]


class Inventory:
    """Modules by the names that led to them; a name once given stays, a shorter way found later is an alias.

    No module and no tensor is kept alive: what is reported of one that has died is what was last seen of it.
    """

    def __init__(self, recorder: OpRecorder) -> None:
        self.recorder = recorder
        self.modules: list[ref[torch.nn.Module]] = []  # in the order first seen
        self.numbers: dict[int, int] = {}
        self.called: set[int] = set()
        self.declared: dict[int, int] = {}  # module number → site
        self.constructed: dict[int, int] = {}  # module number → site of the call of its class
        self.tensor_declared: dict[int, int] = {}  # slot → site
        self.tensor_built: dict[int, int] = {}  # slot → site of the construction of the whole module
        self.roots: dict[int, tuple[ref[torch.nn.Module], list[str]]] = {}
        self.loose: dict[int, list[str]] = {}  # slot → names of a bare tensor
        self.optimizer_names: dict[int, tuple[ref[torch.optim.Optimizer], list[str]]] = {}
        self.local: dict[int, tuple[int, str]] = {}  # module made in a forward → number of the parent, local name
        self.kept: dict[int, tuple[list[str], str, int]] = {}  # slot → names, kind, module number
        self.short_lived: list[tuple[int, int, str, tuple[int, ...], str]] = []  # slot, parent, name, shape, dtype
        self.entries: dict[int, _Entry] = {}  # by module number
        self.facts: dict[int, _Facts] = {}
        self.settled = False  # whether the facts, of when a window closed, go before what a tensor is now
        self.spreading = Spreading(recorder, self.number)
        self.gone: set[int] = set()  # slots that their module no longer held when it was last looked at

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
            names.merge(held[1], paths, final)
        for tensor, paths in found.tensors.values():
            self.recorder.value_of(tensor)
            slot = self.recorder.tensors.slot(tensor)
            if slot != NONE:
                names.merge(self.loose.setdefault(slot, []), paths, final)
                self.facts[slot] = _facts(tensor)
        for optimizer, paths in found.optimizers.values():
            held_optimizer = self.optimizer_names.setdefault(id(optimizer), (ref(optimizer), []))
            if held_optimizer[0]() is not optimizer:
                held_optimizer = self.optimizer_names[id(optimizer)] = (ref(optimizer), [])
            names.merge(held_optimizer[1], paths, final)
        self.walk(final)

    def walk(self, final: bool) -> None:
        """Walk every live module from its roots, give its tensors slots and names, and note how they stand."""
        alive = self._roots()
        inner: set[int] = set()
        for module, _ in alive:
            inner.update(id(child) for child in names.below(module))
        seen: dict[int, _Entry] = {}
        for outermost in (True, False):
            for module, paths in alive:
                if (id(module) not in inner) == outermost:
                    for path in paths:
                        self._enter(seen, module, path, NONE, True)
        for number, reference in enumerate(list(self.modules)):
            module = reference()
            if module is not None and number not in seen and (number in self.called or number in self.local):
                parent, local = self.local.get(number, (NONE, ""))
                if parent in seen and local:
                    self._enter(seen, module, f"{seen[parent].paths[0]}.{local}", parent, False)
                elif number in self.called and number not in self.entries and not self._is_inner(module):
                    self._enter(seen, module, f"{type(module).__name__}#{number}", NONE, True)
        names_now: dict[int, tuple[list[str], str, int]] = {}
        held: set[int] = set()
        for number, entry in seen.items():
            module = self.modules[number]()
            if module is not None:
                entry.type_name, entry.training = type(module).__name__, module.training
                entry.attributes = ("requires_grad",) if "requires_grad" in vars(module) else ()
                self._keep(names_now, held, module, entry)
        for number, entry in seen.items():
            module = self.modules[number]()
            for name, slot in self._behind_attributes(module) if module is not None else ():
                if slot not in names_now and slot not in self.loose:
                    names_now[slot] = ([f"{path}.{name}" for path in entry.paths], "loose parameter", number)
        self.entries.update(seen)
        self.gone -= held
        for slot, (_, kind, _) in self.kept.items():
            # At the end modules die with the function that held them: that does not mean that they lost a tensor.
            lost = slot not in held and not final and not kind.startswith("loose ")
            if lost and self.recorder.tensors.slots[slot]() is not None:
                self.gone.add(slot)
        self.kept = {**names_now, **{slot: known for slot, known in self.kept.items() if slot not in names_now}}

    def _roots(self) -> list[tuple[torch.nn.Module, list[str]]]:
        """Return the live modules that variables hold, with their names; what is in a wrapper answers to its names too."""
        alive = [(module, names) for reference, names in self.roots.values() if (module := reference()) is not None]
        own = {id(module): (module, list(names)) for module, names in alive if not attribute_of(module)}
        for module, paths in alive:
            full = list(paths)
            inner: torch.nn.Module | None = module
            while inner is not None and (attribute := attribute_of(inner)):
                outer, inner = inner, wrapped(inner)
                full = [f"{path}.{attribute}" for path in full]
                self.spreading.note_wrapper(outer, inner)
            if inner is not None and inner is not module:
                held = own.setdefault(id(inner), (inner, []))[1]
                held.extend(name for name in (*paths, *full) if name not in held)
        return list(own.values())

    def _is_inner(self, module: torch.nn.Module) -> bool:
        return any(
            other is not None and other is not module and any(child is module for child in other._modules.values())
            for other in (reference() for reference in self.modules)
        )

    def _enter(
        self, seen: dict[int, _Entry], module: torch.nn.Module, path: str, parent: int, registered: bool
    ) -> None:
        stack = [(module, path, parent, registered)]
        while stack:
            module, path, parent, registered = stack.pop()
            while (inner := wrapped(module)) is not None:
                self.spreading.note_wrapper(module, inner)
                module = inner
            number = self.number(module)
            entry = seen.get(number)
            if entry is None:
                seen[number] = _Entry([path], parent, registered)
            elif path in entry.paths or len(entry.paths) > 8:
                continue
            else:
                entry.paths.append(path)
            below = [
                (child, f"{path}.{name}", number, registered and kept) for name, child, kept in names.children(module)
            ]
            stack.extend(reversed(below))

    def _keep(
        self, kept: dict[int, tuple[list[str], str, int]], held: set[int], module: torch.nn.Module, entry: _Entry
    ) -> None:
        number, registered = self.number(module), entry.registered
        here: list[tuple[str, torch.Tensor, str, bool]] = []
        here += [(name, t, "parameter", registered) for name, t in module._parameters.items() if t is not None]
        here += [(name, t, "buffer", registered) for name, t in module._buffers.items() if t is not None]
        here += [(name, t, "parameter", False) for name, t in names.unregistered(module) if isinstance(t, torch.Tensor)]
        for name, tensor, kind, is_registered in here:
            self.recorder.value_of(tensor)
            slot = self.recorder.tensors.adopt(tensor)
            if slot == NONE:
                continue
            self.facts[slot] = _facts(tensor)
            if spread := spread_of_dtensor(tensor):
                self.spreading.spread[slot] = spread
            held.add(slot)
            full = [f"{path}.{name}" for path in entry.paths]
            known = kept.get(slot)
            if known is None:
                kept[slot] = (full, kind if is_registered else f"loose {kind}", number)
            else:
                known[0].extend(n for n in full if n not in known[0])

    def _behind_attributes(self, module: torch.nn.Module) -> list[tuple[str, int]]:
        """Return the parameters that a module keeps only what was computed of: `nn.Parameter(t).to(dtype)`."""
        found: list[tuple[str, int]] = []
        ops, values, tensors = self.recorder.ops, self.recorder.values, self.recorder.tensors
        for name, held in vars(module).items():
            if not isinstance(held, torch.Tensor) or not held.requires_grad or is_leaf(held):
                continue
            value = tensors.known(held)
            op = NONE if value is None else values.op[value]
            if op == NONE or ops.first_input[op + 1] != ops.first_input[op] + 1:
                continue
            slot = values.tensor[ops.inputs[ops.first_input[op]]]
            leaf = tensors.slots[slot]() if slot != NONE else None
            if isinstance(leaf, torch.nn.Parameter):
                self.facts[slot] = _facts(leaf)
                found.append((name, slot))
        return found

    def watched_modules(self) -> tuple[list[WatchedModule], dict[int, int]]:
        """Return the modules that have a name, and for each number its index there."""
        watched: list[WatchedModule] = []
        index: dict[int, int] = {}
        for number, entry in sorted(self.entries.items(), key=lambda item: (item[1].paths[0].count("."), item[0])):
            index[number] = len(watched)
            watched.append(
                WatchedModule(
                    entry.paths[0],
                    entry.type_name,
                    index.get(entry.parent, NONE),
                    entry.training,
                    number in self.called,
                    entry.attributes,
                    entry.registered,
                    self.declared.get(number, NONE),
                    tuple(entry.paths[1:]),
                    self.constructed.get(number, NONE),
                )
            )
        index.update({outer: index[inner] for outer, inner in self.spreading.wrappers.items() if inner in index})
        return watched, index

    def watched_tensors(
        self, modules: dict[int, int], extra: dict[int, str]
    ) -> tuple[list[WatchedTensor], dict[int, int]]:
        """Return the tensors that have a name, those named in `extra` included, and for each slot its index there."""
        watched: list[WatchedTensor] = []
        index: dict[int, int] = {}
        for slot in dict.fromkeys([*self.kept, *self.loose, *extra]):
            tensor = self.recorder.tensors.slots[slot]()
            full, kind, number = self.kept.get(slot, (self.loose.get(slot) or [extra.get(slot, "")], "tensor", NONE))
            aliases = [name for name in self.loose.get(slot, []) if name not in full]
            flags = self.recorder.values.flags[self.recorder.tensors.slot_values[slot]]
            facts = self.facts.get(slot) or (None if tensor is None else _facts(tensor))
            if facts is None:
                facts = _Facts((), "", 0, bool(flags & REQUIRES_GRAD and flags & LEAF), ())
            if slot in self.spreading.whole:
                facts = replace(facts, shape=self.spreading.whole[slot], numel=math.prod(self.spreading.whole[slot]))
            if slot in self.spreading.flattened and full[0].endswith("._flat_param"):
                aliases += [f"{full[0].removesuffix('_flat_param')}{name}" for name in self.spreading.flattened[slot]]
            index[slot] = len(watched)
            watched.append(
                WatchedTensor(
                    (*full, *aliases),
                    kind.removeprefix("loose "),
                    facts.shape,
                    facts.dtype,
                    facts.numel,
                    facts.requires_grad if tensor is None or self.settled else tensor.requires_grad,
                    kind in ("parameter", "buffer"),
                    modules.get(number, NONE),
                    slot not in self.gone,
                    self.tensor_declared.get(slot, NONE),
                    facts.attributes,
                    self.tensor_built.get(slot, NONE),
                    self.spreading.spread.get(slot, ""),
                )
            )
        return watched, index


def _facts(tensor: torch.Tensor) -> _Facts:
    return _Facts(
        tuple(tensor.shape),
        str(tensor.dtype).removeprefix("torch."),
        tensor.numel(),
        tensor.requires_grad,
        tuple(sorted(set(getattr(tensor, "__dict__", ())) - _KNOWN_ATTRIBUTES)),
    )
