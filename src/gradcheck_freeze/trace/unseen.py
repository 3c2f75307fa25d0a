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


class Unseen:
    """Stand-ins that record what they are asked, and then do exactly that."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

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
        before = torch.is_grad_enabled()
        result = func(*args, **kwargs)
        try:
            ops, sites = self.recorder.ops, self.recorder.sites
            frame: Any = sys._getframe(2)
            if ops.recomputed:
                self._switched_inside(bool(args[0]), frame)
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
        except BaseException:  # an interrupt: nobody would switch on again what was never seen to be entered
            if args and not args[0]:
                torch._C._set_grad_enabled(before)
            raise
        return result

    def _switched_inside(self, enabled: bool, frame: Any) -> None:
        """Follow the blocks without grad in a checkpoint, in which grad is off all the time."""
        off, block = self.recorder.ops.off_inside, None
        while frame is not None and frame.f_code.co_filename == torch.autograd.grad_mode.__file__:
            block, frame = frame.f_code.co_name, frame.f_back
        if frame is None or frame.f_code.co_filename == torch.utils.checkpoint.__file__:
            return  # the checkpoint's own
        if block == "__exit__":
            del off[-1:]
        elif block == "__enter__" or not off:
            off.append(not enabled)
        else:
            off[-1] = not enabled

    def inference_enter(self, original: Any) -> Any:
        """Note where inference mode was entered."""
        recorder = self.recorder

        def __enter__(context: Any) -> Any:  # noqa: N807
            try:
                if recorder.here():
                    recorder.ops.mode_site = recorder.sites.here(sys._getframe(1))
            except Exception as error:
                recorder.fail(error)
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
        checkpoint = cls.__name__ == "CheckpointFunction" and cls.__module__ == "torch.utils.checkpoint"
        outer = ops.recomputed, ops.off_inside
        ops.recomputed, ops.off_inside = checkpoint and bool(inputs), []
        ops.function_depth += 1
        try:
            result = plain(cls, *args, **kwargs)
        finally:
            ops.function_depth -= 1
            ops.recomputed, ops.off_inside = outer
        try:
            results: list[torch.Tensor] = []
            collect((result,), results)
            fresh = [r for r in results if not any(r is i for i in inputs)]
            inner = [value for r in fresh if (value := ops.tensors.known(r)) is not None]
            if checkpoint and inner:
                read = []
            frame = sys._getframe(2)
            with torch._C.DisableTorchFunction():
                op = ops.write_op(ops.number(cls.__name__), [*read, *inner], fresh, (), frame)
            if cls.__module__.startswith("torch._functorch._aot_autograd"):
                ops.boxes.add(cls.__name__)
                recorder.gap(
                    "a function compiled by AOT autograd was watched from outside, as one op; what gets gradient is the "
                    "engine's own word",
                    ops.ops.site[op],
                )
        except Exception as error:
            recorder.fail(error)
        return result

    def swap_tensors(self, original: Any) -> Any:
        """Let go of two tensors before they are swapped: torch refuses to swap what has weak references."""
        recorder = self.recorder

        def swap_tensors(first: Any, second: Any) -> Any:
            try:
                for tensor in (first, second):
                    recorder.ops.tensors.forget(tensor)
                    recorder.elsewhere.forget(tensor)
            except Exception as error:
                recorder.fail(error)
                recorder.ops.tensors.forget_all()
            return original(first, second)

        return swap_tensors

    def compile(self, original: Any) -> Any:
        """Note that something is to be compiled; torch may only now have loaded what compiles it."""
        recorder = self.recorder

        @functools.wraps(original)
        def compile(*args: Any, **kwargs: Any) -> Any:
            with recorder.compiled.aside():
                result = original(*args, **kwargs)
            try:
                recorder.compiled.install()
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
            try:
                asked = recorder.stepping.asked(optimizer, recorder.sites.here(sys._getframe(1)))
            except Exception as error:
                recorder.fail(error)
                return original(scaler, optimizer, *args, **kwargs)
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
                    made = recorder.sites.construction(sys._getframe(1), torch.optim.lr_scheduler.LRScheduler)
                    site = made if code is None else recorder.sites.start(code)
                    recorder.optimizers.schedules[recorder.optimizers.number(optimizer)] = site
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
                    number = recorder.optimizers.number(optimizer)
                    recorder.optimizers.loaded[number] = recorder.sites.here(sys._getframe(1))
            except Exception as error:
                recorder.fail(error)
            return original(optimizer, *args, **kwargs)

        return load_state_dict
