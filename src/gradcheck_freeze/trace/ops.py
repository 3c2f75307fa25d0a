"""Records torch calls as ops: a function mode that looks at every call made from Python and changes none.

It stands at the bottom of the mode stack, so that a user's own mode or device context enters and leaves as if it were
absent, and it is off the stack while a call runs: what torch does inside one call is one op.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import is_grad_enabled
from torch.overrides import TorchFunctionMode

from gradcheck_freeze.trace.installed import push_to_bottom, remove_mode
from gradcheck_freeze.trace.kinds import PLAIN, VIEWING, Kind, Observer, Special, any_is, collect
from gradcheck_freeze.trace.numbers import Numbers
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

_WITHOUT_GRADIENT = {
    "detach",
    "detach_",
    "data",
    "tensor",
    "new_tensor",
    "grad",
}  # give no gradient, with grad on either


class OpRecorder(TorchFunctionMode):  # type: ignore[misc]
    """Writes one row per torch call into `ops` and one per tensor version into `values`."""

    def __init__(
        self, sites: Sites, max_ops: int, on_full: Callable[[], None], on_failure: Callable[[BaseException], None]
    ) -> None:
        super().__init__()
        self.ops = Ops()
        self.values = Values()
        self.tensors = Tensors(self.values)
        self.sites = sites
        self.names: list[str] = []
        self.boxes: set[str] = set()  # names of ops that stand for code which was watched from outside
        self.specials: dict[Any, Special] = {}
        self.setters: dict[str, Special] = {}
        self.observers: dict[Any, Observer] = {}  # torch function → what looks at its arguments before it runs
        self.probe: Callable[[torch.Tensor, int], None] | None = None  # looks at every value that carries gradient
        self.asleep = 0
        self.numbers = Numbers()
        self._returned: dict[int, int] = {}  # op by which a number left → the value it came back as
        self.function_depth = 0
        self.transforms = 0  # how many function transforms are running
        self.recomputed = (
            False  # in the forward of a reentrant checkpoint: what runs without grad now runs with it later
        )
        self.off_inside: list[bool] = []  # whether grad is meant to be off there, block by block
        self.call = NONE  # the module call now running
        self.call_site = NONE  # where the user's code called it, if its forward is torch's own
        self.mode_site = NONE
        self.on_slot_written: Callable[[int, int], None] = lambda slot, op: None
        self.on_first_seen: Callable[[torch.Tensor], None] = lambda tensor: None
        self.stand_in: Callable[[torch.Tensor], int | None] = lambda tensor: None  # the value of what it stands for
        self._kinds: dict[Any, Kind] = {}
        self._numbers: dict[str, int] = {}
        self.max_ops = max_ops
        self.rows = 0  # of what is kept beside ops: declarations, hooks, optimizers, steps
        self._on_full = on_full
        self._on_failure = on_failure

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if kwargs is None:
            kwargs = {}
        if self.asleep:
            return func(*args, **kwargs)
        try:
            kind = self._kinds.get(func) or self._look_at(func)
        except Exception as error:
            self._on_failure(error)
            return func(*args, **kwargs)
        if kind.skip:
            return func(*args, **kwargs)
        if kind.special is not None:
            return kind.special(func, args, kwargs)
        try:
            inputs: list[torch.Tensor] = []
            if kind.data is None:
                for argument in args:
                    if type(argument) is torch.Tensor:  # as most are
                        inputs.append(argument)
                    elif type(argument) not in PLAIN:
                        collect((argument,), inputs)
                if kwargs:
                    collect(kwargs.values(), inputs)
            else:
                collect(args[: kind.data], inputs)
            read = self.values_of(inputs)
            if self.numbers.op_of:
                self._read_numbers(kind, args, read)
            if kind.observe is not None:
                kind.observe(args, kwargs)
        except Exception as error:
            self._on_failure(error)
            return func(*args, **kwargs)
        result = func(*args, **kwargs)
        try:
            self._record(kind, inputs, read, result, "out" in kwargs)
        except Exception as error:
            self._on_failure(error)
        return result

    def count(self, rows: int = 1) -> None:
        """Count what is kept beside ops; where that is more than there may be ops, nothing further is watched."""
        self.rows += rows
        if self.rows > self.max_ops:
            self._on_full()

    def pause(self, times: int = 1) -> None:
        """See nothing until as many `resume`: what an optimizer does inside its step is told by what it changed."""
        self.asleep += times
        remove_mode(self)

    def resume(self) -> None:
        """See again, if this was the last pause."""
        self.asleep -= 1
        if not self.asleep:
            push_to_bottom(self)

    def start_anew(self) -> None:
        """Forget in what call and mode the last window ended, and see again."""
        self.asleep = self.function_depth = 0
        self.call = self.call_site = self.mode_site = NONE
        self.probe = None

    def wake(self) -> int:
        """See again, however often `pause` was called, and return how often that was."""
        asleep, self.asleep = self.asleep, 0
        push_to_bottom(self)
        return asleep

    def _look_at(self, func: Any) -> Kind:
        text = getattr(func, "__name__", None) or type(func).__name__
        special = self.specials.get(func) if func.__hash__ else None
        skip = False
        if text == "__get__":
            text = getattr(getattr(func, "__self__", None), "__name__", text)
            skip = text not in VIEWING
        elif text == "__set__":
            text = getattr(getattr(func, "__self__", None), "__name__", text)
            special = self.setters.get(text)
            skip = special is None
        kind = Kind(func, self.number(text), text, special)
        kind.skip = skip
        kind.observe = self.observers.get(func) if func.__hash__ else None
        if len(self._kinds) < 10_000:
            self._kinds[func] = kind
        return kind

    def number(self, name: str) -> int:
        """Return the number of an op's name."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
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
        self._end(op)
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
        self._end(op)
        return value

    def _read_numbers(self, kind: Kind, args: tuple[Any, ...], read: list[int]) -> None:
        """Add to what a call reads the numbers among its arguments that left torch before."""
        op_of = self.numbers.op_of
        back = [op_of[a] for a in args if type(a) is float and a in op_of] if kind.data is None else []
        if kind.numbers:
            back.extend(op for argument in args for op in self.numbers.among(argument))
        read.extend(self._come_back(op) for op in dict.fromkeys(back))

    def _come_back(self, left: int) -> int:
        """Return the value of numbers that left torch by an op and come back: written once, as made at the place they left."""
        value = self._returned.get(left)
        if value is None:
            ops, values = self.ops, self.values
            op, value = len(ops.name), len(values.op)
            ops.first_output[op] = len(ops.outputs)
            for column in (ops.name, ops.site, ops.call, ops.mode):
                column.append(column[left])
            if left in ops.mode_site:
                ops.mode_site[op] = ops.mode_site[left]
            ops.inputs.extend(ops.inputs[ops.first_input[left] : ops.first_input[left + 1]])
            ops.first_input.append(len(ops.inputs))
            values.op.append(op)
            values.flags.append(DIFFERENTIABLE | LEAF)
            values.tensor.append(NONE)
            ops.outputs.append(value)
            ops.first_output.append(len(ops.outputs))
            self._returned[left] = value
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

    def _end(self, op: int) -> None:
        """Close the row of an op, whose outputs have been written."""
        ops = self.ops
        ops.first_output[op + 1] = len(ops.outputs)
        if op >= self.max_ops:
            self._on_full()

    def _record(self, kind: Kind, inputs: list[torch.Tensor], read: list[int], result: Any, out: bool) -> None:
        single = type(result) is torch.Tensor and not out and not any_is(inputs, result)
        if single and not (kind.writes and self._written(inputs)):
            op = self.begin(kind.name, read, sys._getframe(2))  # as most ops are: one new tensor, nothing written
            ops = self.ops
            try:
                ops.outputs.append(self._make(result, op))
            finally:  # as `_end` does: a call less for every op
                ops.first_output[op + 1] = len(ops.outputs)
                if op >= self.max_ops:
                    self._on_full()
            return
        results: list[torch.Tensor] = []
        collect((result,), results)
        given = {id(tensor) for tensor in inputs}
        fresh = [tensor for tensor in results if id(tensor) not in given]
        written = self._written(inputs) if kind.writes or out or len(fresh) < len(results) else ()
        if not fresh and not written:
            if not (kind.leaves and read):
                return
            self.tensors.keep_storage(inputs[0], read[0])  # its memory may come back as another tensor
            if self.values.flags[read[0]] & DIFFERENTIABLE:
                self.numbers.left(result, len(self.ops))
        self.write_op(kind.name, read, fresh, written, sys._getframe(2))

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
            self._end(op)
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

    def _written(self, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
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
