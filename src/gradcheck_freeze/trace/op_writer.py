"""Writes ops and values: a row for every torch call, and one for every version of a tensor.

A tensor that comes along has a value already, or is given one here: as the source that it is, or as a version of the tensor
whose memory it shares.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import is_grad_enabled

from gradcheck_freeze.trace.kinds import any_is
from gradcheck_freeze.trace.record import (
    DIFFERENTIABLE,
    FUNCTION,
    GRAD,
    INFERENCE,
    LEAF,
    NO_GRAD,
    NONE,
    REQUIRES_GRAD,
    Ops,
    Values,
)
from gradcheck_freeze.trace.sites import Sites
from gradcheck_freeze.trace.tensors import Tensors, flags_of, storage_key

# Give no gradient, with grad on either.
_WITHOUT_GRADIENT = frozenset({"detach", "detach_", "data", "tensor", "new_tensor", "grad"})


class OpWriter:
    """The ops and values of one window. `OpRecorder` is one, not has one: it costs no look-up more for every op."""

    def __init__(self, sites: Sites, max_ops: int, on_full: Callable[[], None]) -> None:
        super().__init__()
        self.ops = Ops()
        self.values = Values()
        self.tensors = Tensors(self.values)
        self.sites = sites
        self.names: list[str] = []
        self._name_numbers: dict[str, int] = {}
        self.boxes: set[str] = set()  # names of ops that stand for code which was watched from outside
        self.max_ops = max_ops
        self.rows = 0  # of what is kept beside ops: declarations, hooks, optimizers, steps
        self._on_full = on_full
        self.call = NONE  # the module call now running
        self.call_site = NONE  # where the user's code called it, if its forward is torch's own
        self.mode_site = NONE  # where gradient was switched off
        self.function_depth = 0  # how many forwards of custom autograd.Functions are running
        # Whether the forward of a reentrant checkpoint is running: what runs without grad now runs with it later.
        self.recomputed = False
        self.off_inside: list[bool] = []  # whether grad is meant to be off there, block by block
        self.probe: Callable[[torch.Tensor, int], None] | None = None  # looks at every value that carries gradient
        self.on_slot_written: Callable[[int, int], None] = lambda slot, op: None
        self.on_first_seen: Callable[[torch.Tensor], None] = lambda tensor: None
        self.stand_in: Callable[[torch.Tensor], int | None] = lambda tensor: None  # the value of what it stands for

    def number(self, name: str) -> int:
        """Return the number of an op's name."""
        number = self._name_numbers.get(name)
        if number is None:
            number = self._name_numbers[name] = len(self.names)
            self.names.append(name)
        return number

    def value_of(self, tensor: torch.Tensor) -> int:
        """Return the value a tensor holds now, giving it one if it is new or was changed unseen."""
        return self.values_of((tensor,))[0]

    def values_of(self, tensors: Iterable[torch.Tensor]) -> list[int]:
        """Return the values that tensors hold now, giving one to those that are new or were changed unseen."""
        entry_of = self.tensors.entries.get
        values: list[int] = []
        for tensor in tensors:
            entry = entry_of(id(tensor))
            if entry is None or entry[0]() is not tensor:
                values.append(self._first_seen(tensor))
            elif entry[2] < 0 or tensor._version == entry[2]:
                values.append(entry[1])
            else:
                values.append(self._changed_unseen(tensor, entry[1]))
        return values

    def _first_seen(self, tensor: torch.Tensor) -> int:
        """Give a value to a tensor that no seen op produced, linked to the value whose memory it shares, if any."""
        if (known := self.stand_in(tensor)) is not None:
            return known
        earlier = self.tensors.value_in_storage(tensor)
        if earlier is None:
            value = self.tensors.source(tensor, len(self.ops))
            self.on_first_seen(tensor)
            return value
        name = "nn.Parameter" if isinstance(tensor, torch.nn.Parameter) else "alias"
        op = self.begin(self.number(name), [earlier], sys._getframe(1))
        value = self.tensors.source(tensor, len(self.ops), op)
        self.ops.outputs.append(value)
        self.end(op)
        return value

    def same(self, tensor: torch.Tensor, leaf: torch.Tensor) -> int:
        """Take a tensor for a leaf that it holds the numbers of, and that gets its gradient; return its value."""
        self.value_of(leaf)
        slot = self.tensors.adopt(leaf)
        return self.tensors.add(tensor, NONE, flags_of(leaf), slot, len(self.ops))

    def _changed_unseen(self, tensor: torch.Tensor, before: int) -> int:
        """Give a new value to a tensor that was written through an alias, or by something that was not seen."""
        tensors = self.tensors
        slot = self.values.tensor[before]
        written = tensors.written.get(storage_key(tensor)) if tensors.written else None
        if written is None or written <= before:
            if slot != NONE:  # an optimizer step: the numbers are new, where they came from is the step's business
                return tensors.add(tensor, NONE, flags_of(tensor), slot, len(self.ops))
            tensors.hold(tensor, before)
            return before
        op = self.begin(self.number("view"), [before, written], sys._getframe(1))
        value = tensors.add(tensor, op, flags_of(tensor), slot)
        self.ops.outputs.append(value)
        self.end(op)
        return value

    def begin(self, name: int, read: Iterable[int], frame: Any) -> int:
        """Write the row of an op but for its outputs and return its number."""
        ops = self.ops
        op = len(ops.name)
        # From a call in the forward of a module of torch's own it is four frames or more to the user's code: where the
        # module was called is known already.
        inside = self.call_site != NONE and self.sites.known.get(frame.f_code.co_filename) is False
        site = self.call_site if inside else self.sites.here(frame)
        if self.recomputed and not (self.off_inside and self.off_inside[-1]):
            mode = GRAD
        elif self.function_depth and not self.recomputed:
            mode = FUNCTION
        elif is_grad_enabled():
            mode = GRAD
        else:
            mode = INFERENCE if torch.is_inference_mode_enabled() else NO_GRAD
            if self.mode_site != NONE:
                ops.mode_site[op] = self.mode_site
        try:
            ops.name.append(name)
            ops.site.append(site)
            ops.call.append(self.call)
            ops.mode.append(mode)
            ops.inputs.extend(read)
            ops.first_input.append(len(ops.inputs))
            ops.first_output[op] = len(ops.outputs)  # the row before is over, whether or not anybody came to close it
            ops.first_output.append(len(ops.outputs))
        except BaseException:  # an interrupt too may come between two of them
            ops.make_whole()
            raise
        return op

    def end(self, op: int) -> None:
        """Close the row of an op, whose outputs have been written."""
        ops = self.ops
        ops.first_output[op + 1] = len(ops.outputs)
        if op >= self.max_ops:
            self._on_full()

    def write_op(
        self, name: int, read: list[int], fresh: Iterable[torch.Tensor], written: Iterable[torch.Tensor], frame: Any
    ) -> int:
        """Record one op that made the `fresh` tensors and changed the `written` ones; return its number."""
        op = self.begin(name, read, frame)
        outputs = self.ops.outputs
        try:
            for tensor in fresh:
                outputs.append(self._make(tensor, op))
            for tensor in written:
                outputs.extend(self._write(tensor, op))
        finally:
            self.end(op)
        return op

    def _make(self, tensor: torch.Tensor, op: int) -> int:
        """Give a tensor that an op made its value."""
        flags = flags_of(tensor)
        if self.recomputed:
            flags = self._as_recomputed(flags, op)
        if flags & REQUIRES_GRAD and flags & LEAF:  # made with requires_grad=True: a source of its own
            return self.tensors.source(tensor, len(self.ops), op)
        value = self.tensors.add(tensor, op, flags, NONE)
        if self.probe is not None and flags & REQUIRES_GRAD and tensor.requires_grad:
            self.probe(tensor, value)
        return value

    def _as_recomputed(self, flags: int, op: int) -> int:
        """Return the flags that a value will have when a reentrant checkpoint computes it again, with grad on."""
        ops, known = self.ops, self.values.flags
        if ops.mode[op] != GRAD or not flags & DIFFERENTIABLE or self.names[ops.name[op]] in _WITHOUT_GRADIENT:
            return flags
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        return (flags & ~LEAF) | REQUIRES_GRAD if any(known[value] & REQUIRES_GRAD for value in read) else flags

    def written_among(self, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the inputs whose version counter moved while the call ran."""
        entries = self.tensors.entries
        changed: list[torch.Tensor] = []
        for tensor in inputs:
            entry = entries.get(id(tensor))
            if entry is not None and 0 <= entry[2] != tensor._version and not any_is(changed, tensor):
                changed.append(tensor)
        return changed

    def _write(self, tensor: torch.Tensor, op: int) -> list[int]:
        """Give a changed tensor, and the source whose memory it shares, new values."""
        tensors = self.tensors
        slot = tensors.slot(tensor)
        outputs = [tensors.add(tensor, op, flags_of(tensor), slot)]
        key = storage_key(tensor)
        tensors.written[key] = outputs[0]
        owner = tensors.owner(tensor)
        if owner is not None:
            if owner[1] is not tensor:
                outputs.append(tensors.add(owner[1], op, flags_of(owner[1]), owner[0]))
            self.on_slot_written(owner[0], op)
        return outputs

    def count(self, rows: int = 1) -> None:
        """Count what is kept beside ops; where that is more than there may be ops, nothing further is watched."""
        self.rows += rows
        if self.rows > self.max_ops:
            self._on_full()
