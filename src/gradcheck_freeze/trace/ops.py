"""Records torch calls as ops: a function mode that looks at every call made from Python and changes none.

It stands at the bottom of the mode stack, so that a user's own mode or device context enters and leaves as if it were
absent, and it is off the stack while a call runs: what torch does inside one call is one op.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from gradcheck_freeze.trace.installed import push_to_bottom, remove_mode
from gradcheck_freeze.trace.kinds import NOT_TENSORS, VIEWING, Kind, Observer, Special, any_is, collect
from gradcheck_freeze.trace.numbers import Numbers
from gradcheck_freeze.trace.op_writer import OpWriter
from gradcheck_freeze.trace.record import DIFFERENTIABLE, LEAF, NONE
from gradcheck_freeze.trace.sites import Sites


class OpRecorder(OpWriter, TorchFunctionMode):  # type: ignore[misc]
    """Has a row written for every torch call."""

    def __init__(
        self, sites: Sites, max_ops: int, on_full: Callable[[], None], on_failure: Callable[[BaseException], None]
    ) -> None:
        super().__init__(sites, max_ops, on_full)
        self.specials: dict[Any, Special] = {}
        self.setters: dict[str, Special] = {}
        self.observers: dict[Any, Observer] = {}  # torch function → what looks at its arguments before it runs
        self.asleep = 0
        self.numbers = Numbers()
        self._returned: dict[int, int] = {}  # op by which a number left → the value it came back as
        self.transforms = 0  # how many function transforms are running
        self._kinds: dict[Any, Kind] = {}
        self.on_failure = on_failure

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if kwargs is None:
            kwargs = {}
        if self.asleep:
            return func(*args, **kwargs)
        try:
            kind = self._kinds.get(func) or self._look_at(func)
        except Exception as error:
            self.on_failure(error)
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
                    elif type(argument) not in NOT_TENSORS:
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
            self.on_failure(error)
            return func(*args, **kwargs)
        result = func(*args, **kwargs)
        try:
            self._record(kind, inputs, read, result, "out" in kwargs)
        except Exception as error:
            self.on_failure(error)
        return result

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

    def observe(self, observers: Iterable[tuple[Any, Observer]]) -> None:
        """Have these look at the arguments of calls of their functions."""
        for func, look in observers:
            self.observers[func] = look
            if (kind := self._kinds.get(func)) is not None:
                kind.observe = look

    def stop_observing(self, functions: Iterable[Any]) -> None:
        """Have nobody look at the arguments of these."""
        for func in functions:
            self.observers.pop(func, None)
            if (kind := self._kinds.get(func)) is not None:
                kind.observe = None

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

    def _record(self, kind: Kind, inputs: list[torch.Tensor], read: list[int], result: Any, out: bool) -> None:
        single = type(result) is torch.Tensor and not out and not any_is(inputs, result)
        if single and not (kind.writes and self.written_among(inputs)):
            op = self.begin(kind.name, read, sys._getframe(2))  # as most ops are: one new tensor, nothing written
            ops = self.ops
            try:
                ops.outputs.append(self._make(result, op))
            finally:  # as `end` does: a call less for every op
                ops.first_output[op + 1] = len(ops.outputs)
                if op >= self.max_ops:
                    self._on_full()
            return
        results: list[torch.Tensor] = []
        collect((result,), results)
        given = {id(tensor) for tensor in inputs}
        fresh = [tensor for tensor in results if id(tensor) not in given]
        written = self.written_among(inputs) if kind.writes or out or len(fresh) < len(results) else ()
        if not fresh and not written:
            if not (kind.leaves and read):
                return
            self.tensors.keep_storage(inputs[0], read[0])  # its memory may come back as another tensor
            if self.values.flags[read[0]] & DIFFERENTIABLE:
                self.numbers.left(result, len(self.ops))
        self.write_op(kind.name, read, fresh, written, sys._getframe(2))
