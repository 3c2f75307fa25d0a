"""Which value a tensor holds now, and which source it is a version of.

A tensor is known by `id → (weak reference, value, version)`, checked by identity: an id alone is reused within a few
ops, and an attribute set on a tensor would end up in the user's checkpoints. A tensor whose memory was seen before under
another object (`nn.Parameter(t)`, `from_numpy(t.numpy())`) is linked by a weak reference to its storage, never by its
address. Every tensor that no seen op produced (a parameter, a buffer, an input) gets a *slot*; all later versions of it
keep that slot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from weakref import ref

import torch

from gradcheck_freeze.trace.record import DIFFERENTIABLE, LEAF, NONE, REQUIRES_GRAD, UNSEEN, Values


def _nothing() -> torch.Tensor | None:
    return None


Entry = tuple[Callable[[], Any], int, int]

_PURGE_FROM = 1_000


def flags_of(tensor: torch.Tensor) -> int:
    """Return the flags of a value from the tensor that holds it now."""
    if tensor.requires_grad:
        try:
            if not tensor.is_leaf:
                return REQUIRES_GRAD | DIFFERENTIABLE
            # A view that no_grad made of what requires grad says that it does, too, and leads nowhere.
            leads_nowhere = tensor._is_view() and tensor._base is not None and tensor._base.requires_grad
            return DIFFERENTIABLE | LEAF | (0 if leads_nowhere else REQUIRES_GRAD)
        except ValueError:  # a lazy module's, before its first call
            return REQUIRES_GRAD | DIFFERENTIABLE | LEAF
        except (
            RuntimeError
        ):  # a view made under no_grad whose base was written since: torch will not say, it is no leaf
            return REQUIRES_GRAD | DIFFERENTIABLE
    return (DIFFERENTIABLE if tensor.is_floating_point() or tensor.is_complex() else 0) | LEAF


def is_leaf(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is a leaf; torch does not answer for some views whose base was written since."""
    try:
        return bool(tensor.is_leaf)
    except RuntimeError:
        return False


class Tensors:
    """The tensors alive in one window and the values they hold."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.entries: dict[int, Entry] = {}
        self.slots: list[Callable[[], torch.Tensor | None]] = []
        self.slot_values: list[int] = []  # slot → its first value
        self._storages: dict[int, tuple[int, int]] = {}  # storage → (weak handle, the value last seen in it)
        self.slot_of_storage: dict[int, int] = {}
        self.written: dict[int, int] = {}  # storage → the value that a write left in it
        self._purge_at = _PURGE_FROM

    def known(self, tensor: torch.Tensor) -> int | None:
        """Return the value that a tensor was last seen to hold, or None."""
        entry = self.entries.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else None

    def slot(self, tensor: torch.Tensor) -> int:
        """Return the slot of a tensor, NONE if a seen op produced it."""
        value = self.known(tensor)
        return NONE if value is None else self.values.tensor[value]

    def slots_of(self, tensors: Iterable[torch.Tensor]) -> list[int]:
        """Return the slots of those tensors that have one."""
        entry_of, slot_of = self.entries.get, self.values.tensor
        slots: list[int] = []
        for tensor in tensors:
            entry = entry_of(id(tensor))
            if entry is not None and entry[0]() is tensor and (slot := slot_of[entry[1]]) != NONE:
                slots.append(slot)
        return slots

    def add(self, tensor: torch.Tensor, op: int, flags: int, slot: int, after: int = 0) -> int:
        """Give the tensor a new value and return it."""
        values = self.values
        value = len(values.op)
        try:
            values.op.append(op)
            values.flags.append(flags)
            values.tensor.append(slot)
        except BaseException:  # an interrupt too may come between two of them
            values.make_whole()
            raise
        if after:
            values.after[value] = after
        try:  # as `hold` does: a call less for every op
            version = tensor._version
        except RuntimeError:
            version = -1
        self.entries[id(tensor)] = (ref(tensor), value, version)
        if len(self.entries) > self._purge_at:
            self._purge()
        return value

    def moved(self, slots: Iterable[int]) -> None:
        """Note that a step has given these sources new numbers, which leaves them the sources they are."""
        entries, source = self.entries, self.values.op
        for slot in slots:
            tensor = self.slots[slot]()
            entry = entries.get(id(tensor))
            if tensor is None or entry is None or entry[0]() is not tensor or source[entry[1]] != NONE or entry[2] < 0:
                continue
            if not self.written or self.written.get(storage_key(tensor), NONE) <= entry[1]:
                entries[id(tensor)] = (entry[0], entry[1], tensor._version)

    def hold(self, tensor: torch.Tensor, value: int) -> None:
        """Note that the tensor now holds this value."""
        entries = self.entries
        try:
            version = tensor._version
        except RuntimeError:
            version = -1
        entries[id(tensor)] = (ref(tensor), value, version)
        if len(entries) > self._purge_at:
            self._purge()

    def source(self, tensor: torch.Tensor, after: int, op: int = NONE) -> int:
        """Give a tensor that no seen op produced a slot and a value, and return the value."""
        flags = flags_of(tensor)
        if flags & REQUIRES_GRAD and not flags & LEAF:
            return self.add(tensor, op, flags | (UNSEEN if op == NONE else 0), NONE, after)
        slot = len(self.slots)
        self.slots.append(ref(tensor))
        value = self.add(tensor, op, flags, slot, after)
        self.slot_values.append(value)
        key = storage_key(tensor)
        if key:
            self.slot_of_storage[key] = slot
            self.keep_storage(tensor, value)
        return value

    def adopt(self, tensor: torch.Tensor) -> int:
        """Return the slot of a tensor whose value is known, giving it one: a buffer that `torch.zeros` made, say."""
        value = self.known(tensor)
        if value is None:
            return NONE
        slot = self.values.tensor[value]
        if slot == NONE:
            slot = self.values.tensor[value] = len(self.slots)
            self.slots.append(ref(tensor))
            self.slot_values.append(value)
            self.slot_of_storage[storage_key(tensor)] = slot
        return slot

    def keep_storage(self, tensor: torch.Tensor, value: int) -> None:
        """Remember whose memory this is, as long as that memory lives."""
        try:
            storage = tensor.untyped_storage()
        except (NotImplementedError, RuntimeError, ValueError):
            return
        key = storage._cdata
        held = self._storages.get(key)
        self._storages[key] = (held[0] if held else storage._weak_ref(), value)

    def value_in_storage(self, tensor: torch.Tensor) -> int | None:
        """Return the value last seen in the memory of a tensor that was never seen itself."""
        held = self._storages.get(storage_key(tensor))
        if held is None or torch.UntypedStorage._expired(held[0]):
            return None
        return held[1]

    def owner(self, tensor: torch.Tensor) -> tuple[int, torch.Tensor] | None:
        """Return the slot, and the tensor, whose memory this tensor shares: the parameter behind a view or `.data`."""
        slot = self.slot_of_storage.get(storage_key(tensor))
        if slot is None:
            return None
        owner = self.slots[slot]()
        if owner is None or storage_key(owner) != storage_key(tensor):
            return None
        return slot, owner

    def forget(self, tensor: torch.Tensor) -> None:
        """Drop every weak reference to a tensor."""
        entry = self.entries.pop(id(tensor), None)
        if entry is not None and (slot := self.values.tensor[entry[1]]) != NONE:
            self.slots[slot] = _nothing

    def forget_all(self) -> None:
        """Drop every weak reference to any tensor: the program must not come upon one."""
        self.entries.clear()
        self.slots[:] = [_nothing] * len(self.slots)

    def _purge(self) -> None:
        for key in [key for key, entry in self.entries.items() if entry[0]() is None]:
            del self.entries[key]
        expired = torch.UntypedStorage._expired
        for key in [key for key, (handle, _) in self._storages.items() if expired(handle)]:
            torch.UntypedStorage._free_weak_ref(self._storages.pop(key)[0])
        self._purge_at = max(_PURGE_FROM, 2 * len(self.entries))

    def drop_computed(self) -> None:
        """Forget what ops made, and what is gone: what becomes of it from now on is not seen."""
        owner = self.values.tensor
        for key in [key for key, entry in self.entries.items() if owner[entry[1]] == NONE]:
            del self.entries[key]
        for key in [key for key, (_, value) in self._storages.items() if owner[value] == NONE]:
            torch.UntypedStorage._free_weak_ref(self._storages.pop(key)[0])
        self.written.clear()
        self._purge()

    def close(self) -> None:
        """Let go of every weak reference."""
        for handle, _ in self._storages.values():
            torch.UntypedStorage._free_weak_ref(handle)
        self._storages.clear()
        self.entries.clear()
        self.slots.clear()


def storage_key(tensor: torch.Tensor) -> int:
    """Return the identity of the tensor's memory, 0 where it has none of its own."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError, ValueError):
        return 0
