"""Watches function transforms (`torch.func.grad`, `vmap`): each call is one op, from outside."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

import torch

from gradcheck_freeze.trace.kinds import collect
from gradcheck_freeze.trace.record import NONE

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder


def transforms() -> list[tuple[Any, str]]:
    """Return where torch keeps what carries out a function transform, of those places that this torch has."""
    wanted = (
        (
            "torch._functorch.eager_transforms",
            ("grad_impl", "grad_and_value_impl", "_jvp_with_argnums", "_vjp_with_argnums"),
        ),
        ("torch._functorch.apis", ("vmap_impl",)),
    )
    return [
        (sys.modules[module], name)
        for module, names in wanted
        if module in sys.modules
        for name in names
        if hasattr(sys.modules[module], name)
    ]


def _public_name(transform: Any) -> str:
    """Return what a function transform is called by its users."""
    return str(getattr(transform, "__name__", "transform")).split("_impl")[0].strip("_").removesuffix("_with_argnums")


class TransformWatch:
    """What a window does when a transform is called."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def watch_call(self, original: Any) -> Any:
        """Record a call of a function transform (`torch.func.grad`, `vmap`) as one op from the outside.

        Inside it tensors are wrapped, and what is computed there is linked to nothing. It reads its arguments, and what the
        function takes from around it.
        """
        recorder = self.recorder

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            if recorder.ops.transforms or not recorder.here():
                return original(*args, **kwargs)
            ops = recorder.ops
            given: list[torch.Tensor] = []
            read: list[int] = []
            try:
                with torch._C.DisableTorchFunction():
                    collect((*args, *kwargs.values()), given)
                    read = ops.values_of(given)
            except Exception as error:
                recorder.fail(error)
            known, first = len(ops.values), len(ops.ops.inputs)
            ops.transforms += 1
            try:
                result = original(*args, **kwargs)
            finally:
                ops.transforms -= 1
            try:
                results: list[torch.Tensor] = []
                collect((result,), results)
                fresh = [r for r in results if not any(r is tensor for tensor in given)]
                with torch._C.DisableTorchFunction():
                    read += [value for value in ops.ops.inputs[first:] if self._is_outside(value, known)]
                    name = _public_name(original)
                    ops.boxes.add(name)
                    op = ops.write_op(ops.number(name), list(dict.fromkeys(read)), fresh, (), sys._getframe(1))
                recorder.gap(
                    f"what torch.func.{name} calls was watched from outside, as one op; what gets gradient is the engine's "
                    "own word",
                    ops.ops.site[op],
                )
            except Exception as error:
                recorder.fail(error)
            return result

        return call

    def _is_outside(self, value: int, known: int) -> bool:
        """Return whether a value read inside a transform was there before, or is a parameter first read there."""
        slot = self.recorder.ops.values.tensor[value]
        if value < known or slot == NONE:
            return value < known
        tensor = self.recorder.ops.tensors.slots[slot]()
        return tensor is not None and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)
