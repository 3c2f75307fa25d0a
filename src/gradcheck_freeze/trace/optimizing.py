"""Watches what is called of optimizers: their construction, `zero_grad`, and the two ends of every step."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch.optim.optimizer import _global_optimizer_post_hooks, register_optimizer_step_pre_hook

from gradcheck_freeze.trace.sites import made_by
from gradcheck_freeze.trace.training import GradientState

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder

_DEEP_STEPS = 2  # steps in which the gradient of every value is looked at, once a zero or nonfinite one was seen
_OPTIMIZERS = register_optimizer_step_pre_hook.__code__.co_filename


class OptimizerWatch:
    """What a window does at each call of an optimizer; what it finds is kept by `StepWatch`."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._deep_steps = 0

    def watch_construction(self, original: Any) -> Any:
        """Return `Optimizer.add_param_group`, which every constructor calls, noting what it was given and where."""
        recorder = self.recorder

        def add_param_group(optimizer: torch.optim.Optimizer, param_group: Any) -> Any:
            given = param_group.get("params") if isinstance(param_group, dict) else None
            result = original(optimizer, param_group)
            try:
                if recorder.is_open and not recorder.is_own_thread():
                    recorder.elsewhere.used(optimizer)
                recorder.compiled.install()  # the first optimizer of a program has torch load its compiler
                if recorder.here():
                    frame, optimizers = sys._getframe(1), recorder.optimizers
                    number = optimizers.number(optimizer, recorder.sites.here(frame))
                    if not optimizer.param_groups[-1]["params"] and (code := made_by(given)) is not None:
                        optimizers.iterators[number, len(optimizer.param_groups) - 1] = recorder.sites.start(code)
                    optimizers.look(number)  # it may be gone, without ever having stepped, when the window closes
                    recorder.searching.search(frame)
                    recorder.ops.count(0)
            except Exception as error:
                recorder.fail(error)
            return result

        return add_param_group

    def watch_zero_grad(self, original: Any) -> Any:
        """Return `Optimizer.zero_grad`, noting which gradients it drops."""
        recorder = self.recorder

        @functools.wraps(original)
        def zero_grad(optimizer: torch.optim.Optimizer, set_to_none: bool = True) -> Any:
            if recorder.is_open and not recorder.is_own_thread():
                try:
                    recorder.elsewhere.used(optimizer)
                except Exception as error:
                    recorder.fail(error)
            if not set_to_none or not recorder.here():
                return original(optimizer, set_to_none)
            frame = sys._getframe(1)
            return recorder.gradients.zero_grad(optimizer, lambda: original(optimizer, set_to_none), frame)

        return zero_grad

    def before_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
        """Look at everything before a step."""
        recorder = self.recorder
        if not recorder.watches():
            recorder.elsewhere.stepped(optimizer)
            return None
        try:
            recorder.stepping.begin(optimizer)
            frame = sys._getframe(1)
            with torch._C.DisableTorchFunction():
                recorder.searching.search(frame, fresh=not recorder.optimizers.counts[recorder.stepping.running[-1]])
                result = recorder.stepping.before(args, kwargs, recorder.sites.here(frame))
                states = list(recorder.stepping.states_now())
                recorder.singular.before_step(states)
                self._look_deeper(states)
                recorder.kept.before_step(frame)
                return result
        except Exception as error:
            recorder.fail(error)
            return None

    def after_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        """Look at everything after a step."""
        recorder = self.recorder
        if not recorder.watches():
            return
        try:
            recorder.stepping.after()
            recorder.hooks_follow = next(reversed(_global_optimizer_post_hooks.values())) != self.after_step
            recorder.close_when_done()
        except Exception as error:
            recorder.fail(error)
        finally:
            recorder.hooks_follow = False

    def scaler_answered(self, asked: tuple[int, int, int]) -> None:
        """Go on after a GradScaler was asked for a step, which may have been left out."""
        stepping = self.recorder.stepping
        try:
            with torch._C.DisableTorchFunction():
                stepping.answered(asked)
                if stepping.skipped:
                    self._look_deeper(stepping.skipped[-1].gradients.values())
            self.recorder.ops.count(0)
        except Exception as error:
            self.recorder.fail(error)

    def _look_deeper(self, states: Iterable[GradientState]) -> None:
        """Look at the gradient of every value in the next step, if a gradient was zero or nonfinite in this one."""
        ops = self.recorder.ops
        if ops.probe is not None:
            ops.probe = None
            self._deep_steps += 1
        if self._deep_steps < _DEEP_STEPS and any(state.state in ("zero", "nonfinite") for state in states):
            ops.probe = self.recorder.backwards.probe


def in_a_step(frame: FrameType | None) -> bool:
    """Return whether the step of an optimizer is running: torch wraps each in a function of this name."""
    while frame is not None:
        if frame.f_code.co_name == "wrapper" and frame.f_code.co_filename == _OPTIMIZERS:
            return True
        frame = frame.f_back
    return False
