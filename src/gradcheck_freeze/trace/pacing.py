"""Counts the steps of a run, and says between which of them a window is open.

Outside the windows a pair of hooks on steps is all that runs. With `after`, everything up to the first step is watched all the
same, as that is where a program declares what it means; what it taught by then is forgotten.
"""

from __future__ import annotations

import functools
import itertools
import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from gradcheck_freeze.trace.installed import Patches
from gradcheck_freeze.trace.optimizing import in_a_step
from gradcheck_freeze.trace.record import NONE, Gap

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder

_PATIENCE = 10  # times `steps`, until an optimizer that does not step is no longer waited for
BYTES_BEYOND = 2_000_000_000


class Pace:
    """The windows of one run, in steps."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.placement = recorder.placement
        self.number = 0  # steps made by the optimizer that has made most
        self.watched: list[tuple[int, int]] = []  # first and last step of each window
        self.pauses: list[int] = []  # how many ops had run where nothing was watched for a while
        self.hooks = Patches()
        self._made: WeakKeyDictionary[torch.optim.Optimizer, int] = WeakKeyDictionary()
        self._built: WeakKeyDictionary[torch.optim.Optimizer, int] = WeakKeyDictionary()  # between windows → site
        self._next: int | None = self.placement.after or None  # after which step the next window opens
        self._before_any = self.placement.after > 0  # whether the first step is still to come
        self._first = 1  # step of the window now open
        self._counts: list[int] = []  # of each optimizer, when this window was opened

    def install(self) -> None:
        """Put the hooks on steps in."""
        watch = self if self.placement.counts else self.recorder.optimizing
        self.hooks.keep(register_optimizer_step_pre_hook(watch.before_step))
        self.hooks.keep(register_optimizer_step_post_hook(watch.after_step))

    def before_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
        """Go on to the watch of steps while a window is open; else only see whether a frozen tensor is fed."""
        recorder = self.recorder
        if not recorder.is_own_thread():
            return None
        try:
            if self._before_any and recorder.watches():
                self._before_any = False
                recorder.sleep()
                recorder.backwards.forget()
                recorder.stepping.writes = [write for write in recorder.stepping.writes if write.call == NONE]
            if recorder.watches():
                if optimizer in self._built:
                    recorder.optimizers.number(optimizer, self._built.pop(optimizer))
                return recorder.optimizing.before_step(optimizer, args, kwargs)
            recorder.take_mode_out()
            recorder.guard.before_step()
        except Exception as error:
            recorder.fail(error)
        return None

    def after_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        """Count the step, and open or close a window."""
        recorder = self.recorder
        if not recorder.is_own_thread():
            return
        try:
            made = self._made[optimizer] = self._made.get(optimizer, 0) + 1
            self.number = max(self.number, made)
            if recorder.watches():
                recorder.optimizing.after_step(optimizer, args, kwargs)
            else:
                recorder.guard.after_step(optimizer)
            if self._next is not None and self.number >= self._next and recorder.asleep:
                outer = sys._getframe(1)
                if not in_a_step(outer.f_back):  # as the inner one of two steps
                    self._open_again()
        except Exception as error:
            recorder.fail(error)

    def _open_again(self) -> None:
        self.recorder.guard.look()
        self._next = None
        self._first = self.number + 1
        self._counts = list(self.recorder.optimizers.counts)
        self.recorder.wake()

    def done(self) -> bool:
        """Return whether every optimizer has made its steps in this window, and the budget beyond them is spent."""
        stepping, optimizers = self.recorder.stepping, self.recorder.optimizers
        if len(self.recorder.ops.ops) < self.placement.ops_beyond and stepping.bytes_read < BYTES_BEYOND:
            return False
        made = itertools.zip_longest(optimizers.counts, self._counts[: len(optimizers.counts)], fillvalue=0)
        alive = [
            count - before for (count, before), held in zip(made, optimizers.known, strict=True) if held() is not None
        ]
        if max(alive, default=0) >= _PATIENCE * self.placement.steps:
            alive = [count for count in alive if count]
        return bool(alive) and min(alive) >= self.placement.steps

    def window_over(self, last: bool = False) -> None:
        """Note which steps were watched; go on to the next window, to the guard, or to the end."""
        if self._before_any:
            return
        if not self.placement.counts:
            self.number = max(self.recorder.optimizers.counts, default=0)
        self.watched.append((self._first, self.number))
        self._first = self.number + 1
        if last or not self.placement.every:
            return
        first, every = self.placement.after, self.placement.every
        self._next = first + -(-max(self.number - first, 1) // every) * every

    @property
    def goes_on(self) -> bool:
        """Return whether something is to be done after the window now open."""
        return bool(self.placement.every or self.placement.guard)

    def stop(self) -> None:
        """Open no window any more."""
        self._next = None

    def missed(self) -> list[Gap]:
        """Return what to say where no window was ever opened."""
        if not self.placement.after or any(first <= last for first, last in self.watched):
            return []
        return [
            Gap(f"nothing was watched: the program made {self.number:,} steps, not more than {self.placement.after:,}")
        ]

    def watch_construction(self, original: Any) -> Any:
        """Return `Optimizer.add_param_group`, noting only where an optimizer is built between two windows."""

        @functools.wraps(original)
        def add_param_group(optimizer: torch.optim.Optimizer, param_group: Any) -> Any:
            try:
                if self.recorder.is_own_thread() and optimizer not in self._built:
                    self._built[optimizer] = self.recorder.sites.here(sys._getframe(1))
            except Exception as error:
                self.recorder.fail(error)
            return original(optimizer, param_group)

        return add_param_group
