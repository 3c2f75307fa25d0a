"""Watches whether an op is given a value at which it has no finite derivative: the root or the logarithm of 0, say.

Once a step has applied a gradient that is not finite, every number is NaN and nothing can be looked at any more. So each call
of such an op leaves one number behind, which is only read if a gradient turns out not to be finite. That is done in the first
steps of a window only: a network that trains pays for it no longer.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch

from gradcheck_freeze.trace.memory import PLAIN

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder
    from gradcheck_freeze.trace.training import GradientState

_MOST = 10_000  # numbers that are kept
_STEPS = 3  # steps of a window before which it is watched
# One small reduction each, with no copy of the argument where there is a way: it may be as large as what is left of the memory.
Reading = tuple[torch.Tensor, Callable[[float], bool]]  # one number, and whether it tells of such a value


class SingularWatch:
    """The ops of one run that may have been given such a value."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.found: dict[int, bool] = {}  # op that was looked at → whether it was given such a value
        self.not_numbers: set[int] = set()  # values, of tensors that still lived then, with a NaN in them
        self._held: deque[tuple[int, Reading]] = deque(maxlen=_MOST)
        self._done = False
        self._steps = 0

    def observers(self) -> Iterable[tuple[Any, Callable[[tuple[Any, ...], dict[str, Any]], None]]]:
        """Yield the torch functions to look at, and what looks at their arguments."""
        namespaces = (torch, torch.Tensor, torch.nn.functional, torch.special)
        for names, read in _READINGS.items():
            for name in names.split():
                for namespace in namespaces:
                    for spelled in (name, f"{name}_"):
                        if (func := getattr(namespace, spelled, None)) is not None:
                            yield func, self._look_by(read)

    def _look_by(self, read: Callable[..., Reading | None]) -> Callable[[tuple[Any, ...], dict[str, Any]], None]:
        def look(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if self._done or self._steps >= _STEPS or self.recorder.ops.transforms or not torch.is_grad_enabled():
                return
            if torch._C._len_torch_dispatch_stack() or torch._C._get_tracing_state() is not None:
                return  # the program would see what is looked at
            given = [argument for argument in (*args, *kwargs.values()) if isinstance(argument, torch.Tensor)]
            if not any(tensor.requires_grad for tensor in given) or not all(map(_is_readable, given)):
                return
            try:
                with torch._C.DisableTorchFunction(), torch.no_grad():
                    reading = read(*args, **kwargs)
            except (RuntimeError, TypeError, ValueError, IndexError):  # a call that torch refuses too
                return
            if reading is not None:
                self._held.append((len(self.recorder.ops.ops), reading))

        return look

    def start_anew(self) -> None:
        """Watch the first steps of another window."""
        self._steps = 0

    def before_step(self, states: Iterable[GradientState]) -> None:
        """Read the numbers left behind, if a step is about to apply a gradient that is not finite."""
        self._steps += 1
        if self._steps == _STEPS:
            self.recorder.ops.stop_observing([func for func, _ in self.observers()])
        if not self._done and any(state.state == "nonfinite" for state in states):
            self._done = True
            with torch._C.DisableTorchFunction():
                self.found.update((op, tells(float(number))) for op, (number, tells) in self._held)
                for reference, value, _ in list(self.recorder.ops.tensors.entries.values()):
                    tensor = reference()
                    readable = tensor is not None and tensor.is_floating_point() and _is_readable(tensor)
                    if readable and bool(torch.isnan(tensor.detach()).any()):
                        self.not_numbers.add(value)
            self._held.clear()


def _is_readable(tensor: torch.Tensor) -> bool:
    """Return whether a tensor has elements that may be read."""
    return (
        type(tensor) in PLAIN
        and not (tensor.is_meta or tensor.is_complex())
        and tensor.layout is torch.strided
        and tensor.numel() > 0
        and not (tensor.is_cuda and torch.cuda.is_current_stream_capturing())
    )


def _smallest(limit: float) -> Callable[..., Reading | None]:
    def read(input: torch.Tensor, *args: Any, **kwargs: Any) -> Reading | None:
        return (input.amin(), lambda number: number <= limit)

    return read


def _away_from_zero(limit: float) -> Callable[..., Reading | None]:
    def read(input: torch.Tensor, *args: Any, **kwargs: Any) -> Reading | None:
        return (torch.linalg.vector_norm(input, math.inf), lambda number: number >= limit)

    return read


def _between_zero_and_one(input: torch.Tensor, *args: Any, **kwargs: Any) -> Reading | None:
    smallest, largest = torch.aminmax(input)
    return (torch.minimum(smallest, 1 - largest), lambda number: number <= 0)


def _overflowing(input: torch.Tensor, *args: Any, **kwargs: Any) -> Reading | None:
    limit = math.log(torch.finfo(input.dtype).max)
    return (input.amax(), lambda number: number > limit)


def _reciprocal(input: torch.Tensor, *args: Any, **kwargs: Any) -> Reading | None:
    return (torch.linalg.vector_norm(input, -math.inf), lambda number: number == 0)


def _quotient(input: Any, other: Any, **kwargs: Any) -> Reading | None:
    return _reciprocal(other) if isinstance(other, torch.Tensor) else None


def _power(input: Any, exponent: Any, **kwargs: Any) -> Reading | None:
    if not isinstance(input, torch.Tensor):
        return None
    if isinstance(exponent, torch.Tensor):
        return ((input.abs() + ((exponent >= 1) | (exponent == 0))).amin(), lambda number: number == 0)
    if exponent < 0:
        return _reciprocal(input)
    if exponent == int(exponent):
        return None
    return (input.amin(), lambda number: number < 0 or (number == 0 and exponent < 1))


def _over_rows(input: torch.Tensor, dim: Any = None, *args: Any, **kwargs: Any) -> Reading | None:
    if dim is None:
        return None
    return (input.amax(dim).amin(), lambda number: number == -math.inf)


def _deviation(input: torch.Tensor, dim: Any = None, *args: Any, **kwargs: Any) -> Reading | None:
    unbiased = kwargs.get("unbiased", kwargs.get("correction", args[0] if args else True))
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    over = range(input.dim()) if dim is None else (dim,) if isinstance(dim, int) else dim
    if not unbiased or math.prod(input.shape[i] for i in over) > 1:
        return None
    return (input.amax(), math.isfinite)


def _hypotenuse(input: torch.Tensor, other: torch.Tensor, **kwargs: Any) -> Reading | None:
    return ((input.abs() + other.abs()).amin(), lambda number: number == 0)


def _attention(*args: Any, key_padding_mask: Any = None, **kwargs: Any) -> Reading | None:
    if not isinstance(key_padding_mask, torch.Tensor):
        return None
    open_to = ~key_padding_mask if key_padding_mask.dtype is torch.bool else key_padding_mask > -math.inf
    return (open_to.any(-1).all(), lambda number: not number)


_READINGS: dict[str, Callable[..., Reading | None]] = {
    "sqrt log log2 log10 rsqrt": _smallest(0.0),
    "log1p": _smallest(-1.0),
    "acosh arccosh": _smallest(1.0),
    "acos arccos asin arcsin atanh arctanh erfinv": _away_from_zero(1.0),
    "logit": _between_zero_and_one,
    "exp expm1 sinh cosh": _overflowing,
    "reciprocal __rdiv__ __rtruediv__": _reciprocal,
    "div divide true_divide __truediv__ __div__ __itruediv__ __idiv__": _quotient,
    "pow float_power __pow__ __ipow__": _power,
    "softmax log_softmax logsumexp": _over_rows,
    "std var": _deviation,
    "hypot": _hypotenuse,
    "multi_head_attention_forward": _attention,
}
