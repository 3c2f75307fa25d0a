"""Watches calls that a torch function mode cannot see, or sees only the inside of, by standing in their place.

Every function here takes the original and returns what is put in its place for the time of the window.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

import torch

from gradcheck_freeze.trace.distributed import made_by_sharding
from gradcheck_freeze.trace.kinds import collect
from gradcheck_freeze.trace.record import NONE
from gradcheck_freeze.trace.sites import is_user_file

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder


def transforms() -> list[tuple[Any, str]]:
    """Return where torch keeps what carries out a function transform, of those places that this torch has."""
    wanted = (
        ("torch._functorch.eager_transforms", ("grad_impl", "grad_and_value_impl", "_jvp_with_argnums")),
        ("torch._functorch.apis", ("vmap_impl",)),
    )
    return [
        (sys.modules[module], name)
        for module, names in wanted
        if module in sys.modules
        for name in names
        if hasattr(sys.modules[module], name)
    ]


class Unseen:
    """Stand-ins that record what they are asked, and then do exactly that."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._transforms = 0  # how many function transforms are running

    def parameter_new(self, original: Any) -> Any:
        """Record `nn.Parameter(t)` as an op from t."""
        recorder = self.recorder
        plain = original.__func__ if isinstance(original, staticmethod) else original

        def __new__(cls: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            parameter = plain(cls, *args, **kwargs)
            try:
                if recorder.here() and type(parameter) is torch.nn.Parameter and not made_by_sharding(sys._getframe(1)):
                    given = args[0] if args else kwargs.get("data")
                    ops = recorder.ops
                    frame = sys._getframe(1)
                    with torch._C.DisableTorchFunction():
                        read = [ops.value_of(given)] if isinstance(given, torch.Tensor) else []
                        op = ops.write_op(ops.number("nn.Parameter"), read, [parameter], (), frame)
                        slot = ops.tensors.adopt(parameter)
                    if slot != NONE:
                        recorder.inventory.tensor_declared.setdefault(slot, ops.ops.site[op])
            except Exception as error:
                recorder.fail(error)
            return parameter

        return staticmethod(__new__)

    def data_set(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Record `tensor.data = value` as an op without gradient."""
        result = func(*args, **kwargs)
        recorder = self.recorder
        try:
            tensor, value = args[0], args[1]
            ops = recorder.ops
            read = [ops.value_of(value)]
            slot = ops.tensors.slot(tensor)
            ops.tensors.hold(tensor, ops.tensors.known(tensor) or ops.value_of(tensor))
            op = ops.write_op(ops.number("data"), read, [], [tensor], sys._getframe(2))
            if slot != NONE:
                recorder.stepping.slot_written(slot, op)
        except Exception as error:
            recorder.fail(error)
        return result

    def grad_mode(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Note where gradient was switched off."""
        result = func(*args, **kwargs)
        try:
            ops, sites = self.recorder.ops, self.recorder.sites
            frame: Any = sys._getframe(2)
            user, decorated = sites.user_frame(frame), None
            while frame is not None and frame is not user and decorated is None:
                if frame.f_code.co_name == "decorate_context":  # torch's wrapper of a function under @torch.no_grad()
                    decorated = getattr(frame.f_locals.get("func"), "__code__", None)
                frame = frame.f_back
            if args and args[0]:
                ops.mode_site = NONE
            elif decorated is not None and is_user_file(decorated.co_filename):
                ops.mode_site = sites.start(decorated)
            else:
                ops.mode_site = sites.here(user)
        except Exception as error:
            self.recorder.fail(error)
        return result

    def inference_enter(self, original: Any) -> Any:
        """Note where inference mode was entered."""
        recorder = self.recorder

        def __enter__(context: Any) -> Any:  # noqa: N807
            if recorder.here():
                recorder.ops.mode_site = recorder.sites.here(sys._getframe(1))
            return original(context)

        return __enter__

    def function_apply(self, original: Any) -> Any:
        """Record a custom autograd.Function as one op over what its forward computed."""
        recorder = self.recorder
        plain = original.__func__

        def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
            if not recorder.here():
                return plain(cls, *args, **kwargs)
            return self._apply(cls, plain, args, kwargs)

        return classmethod(apply)

    def _apply(self, cls: Any, plain: Any, args: Any, kwargs: Any) -> Any:
        recorder, ops = self.recorder, self.recorder.ops
        inputs: list[torch.Tensor] = []
        read: list[int] = []
        try:
            with torch._C.DisableTorchFunction():  # a user's own mode must not see what we look at
                collect((*args, *kwargs.values()), inputs)
                read = [ops.value_of(tensor) for tensor in inputs]
        except Exception as error:
            recorder.fail(error)
        ops.function_depth += 1
        try:
            result = plain(cls, *args, **kwargs)
        finally:
            ops.function_depth -= 1
        try:
            results: list[torch.Tensor] = []
            collect((result,), results)
            fresh = [r for r in results if not any(r is i for i in inputs)]
            inner = [value for r in fresh if (value := ops.tensors.known(r)) is not None]
            frame = sys._getframe(2)
            with torch._C.DisableTorchFunction():
                ops.write_op(ops.number(cls.__name__), [*read, *inner], fresh, (), frame)
        except Exception as error:
            recorder.fail(error)
        return result

    def transform(self, original: Any) -> Any:
        """Record a call of a function transform (`torch.func.grad`, `vmap`) as one op from the outside.

        Inside it tensors are wrapped, and what is computed there is linked to nothing. It reads its arguments, and what the
        function takes from around it.
        """
        recorder = self.recorder

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._transforms or not recorder.here():
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
            self._transforms += 1
            try:
                result = original(*args, **kwargs)
            finally:
                self._transforms -= 1
            try:
                results: list[torch.Tensor] = []
                collect((result,), results)
                fresh = [r for r in results if not any(r is tensor for tensor in given)]
                with torch._C.DisableTorchFunction():
                    read += [value for value in ops.ops.inputs[first:] if self._is_outside(value, known)]
                    name = getattr(original, "__name__", "transform").removesuffix("_impl").strip("_")
                    ops.write_op(ops.number(name), list(dict.fromkeys(read)), fresh, (), sys._getframe(1))
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

    def swap_tensors(self, original: Any) -> Any:
        """Let go of two tensors before they are swapped: torch refuses to swap what has weak references."""
        recorder = self.recorder

        def swap_tensors(first: Any, second: Any) -> Any:
            for tensor in (first, second):
                recorder.ops.tensors.forget(tensor)
            return original(first, second)

        return swap_tensors

    def compile(self, original: Any) -> Any:
        """Let compiled functions run eagerly while the window is open, so that their ops are seen."""
        recorder = self.recorder

        @functools.wraps(original)
        def compile(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            try:
                recorder.run_compiled_eagerly()
            except Exception as error:
                recorder.fail(error)
            return result

        return compile

    def scaler_step(self, original: Any) -> Any:
        """Note that a GradScaler left out a step because of a gradient that is not finite."""
        recorder = self.recorder

        @functools.wraps(original)
        def step(scaler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if not recorder.here() or not scaler.is_enabled():
                return original(scaler, optimizer, *args, **kwargs)
            asked = recorder.stepping.asked(optimizer, recorder.sites.here(sys._getframe(1)))
            try:
                return original(scaler, optimizer, *args, **kwargs)
            finally:
                recorder.optimizing.scaler_answered(asked)

        return step

    def scheduler_init(self, original: Any) -> Any:
        """Note where an optimizer was given a learning-rate schedule."""
        recorder = self.recorder

        @functools.wraps(original)
        def __init__(scheduler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            try:
                if recorder.here() and isinstance(optimizer, torch.optim.Optimizer):
                    codes = [getattr(f, "__code__", None) for f in getattr(scheduler, "lr_lambdas", ())]
                    code = next((c for c in codes if c is not None and is_user_file(c.co_filename)), None)
                    site = recorder.sites.here(sys._getframe(1)) if code is None else recorder.sites.start(code)
                    recorder.stepping.schedules[recorder.stepping.number(optimizer)] = site
            except Exception as error:
                recorder.fail(error)
            original(scheduler, optimizer, *args, **kwargs)

        return __init__

    def optimizer_load(self, original: Any) -> Any:
        """Note where a state was loaded into an optimizer."""
        recorder = self.recorder

        @functools.wraps(original)
        def load_state_dict(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                if recorder.here():
                    number = recorder.stepping.number(optimizer)
                    recorder.stepping.loaded[number] = recorder.sites.here(sys._getframe(1))
            except Exception as error:
                recorder.fail(error)
            return original(optimizer, *args, **kwargs)

        return load_state_dict
