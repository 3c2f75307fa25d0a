"""Watches TorchScript: what torch compiled by `torch.jit` runs without Python and is one op, from outside."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from gradcheck_freeze.trace.kinds import collect

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder


class ScriptWatch:
    """What a window does when TorchScript is called."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def watch_call(self, original: Any) -> Any:
        """Return `__call__` of a scripted function or method, recorded as one op."""
        watch, recorder = self, self.recorder

        def __call__(scripted: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            if not recorder.here():
                return original(scripted, *args, **kwargs)
            inputs: list[torch.Tensor] = []
            read: list[int] = []
            try:
                with torch._C.DisableTorchFunction():
                    collect((args, kwargs), inputs)
                    inputs.extend(_around(scripted))
                    read = recorder.ops.values_of(inputs)
            except Exception as error:
                recorder.fail(error)
            result = original(scripted, *args, **kwargs)
            try:
                watch._record(scripted, inputs, read, result, sys._getframe(1))
            except Exception as error:
                recorder.fail(error)
            return result

        return __call__

    def _record(self, scripted: Any, inputs: list[torch.Tensor], read: list[int], result: Any, frame: Any) -> None:
        recorder, ops = self.recorder, self.recorder.ops
        results: list[torch.Tensor] = []
        collect((result,), results)
        known = {id(tensor) for tensor in inputs}
        name = f"TorchScript {_name(scripted)}"
        ops.boxes.add(name)
        with torch._C.DisableTorchFunction():
            fresh = [tensor for tensor in results if id(tensor) not in known]
            op = ops.write_op(ops.number(name), read, fresh, ops.written_among(inputs), frame)
        recorder.gap(
            f"{name} was watched from outside, as one op; what gets gradient is the engine's own word", ops.ops.site[op]
        )


def _around(scripted: Any) -> Iterator[torch.Tensor]:
    """Yield the parameters and buffers that a scripted method can use; a function has none."""
    owner = getattr(scripted, "owner", None)
    if owner is not None:
        yield from _held_by(owner)


def _held_by(module: Any) -> Iterator[torch.Tensor]:
    """Yield the parameters and buffers of a scripted module and of those in it."""
    for table in (torch._C.ParameterDict, torch._C.BufferDict):
        yield from (tensor for _, tensor in table(module).items() if tensor is not None)
    for _, child in torch._C.ModuleDict(module).items():
        yield from _held_by(child)


def _name(scripted: Any) -> str:
    owner = getattr(scripted, "owner", None)
    if owner is None:
        return str(scripted.name)
    kind = str(owner._type().name())
    return kind if scripted.name == "forward" else f"{kind}.{scripted.name}"
