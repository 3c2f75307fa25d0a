"""Watches compiled code: set aside for the window, or from outside as one op.

While code that torch compiles is running nothing of ours is in its way: no mode, no stand-in, no hook. Torch would try to
compile them too, and a function that must compile whole (`fullgraph=True`) would fail.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from gradcheck_freeze.trace.installed import push_to_bottom, remove_mode
from gradcheck_freeze.trace.kinds import collect
from gradcheck_freeze.trace.reached import Reached, reached_from
from gradcheck_freeze.trace.record import DIFFERENTIABLE, NONE, REQUIRES_GRAD
from gradcheck_freeze.trace.training import Backward, GradientState, Step

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder

_EVAL_FRAME = "torch._dynamo.eval_frame"
_WRAPPER = "compile_wrapper"  # torch's function in whose place a compiled function is called
_NEVER_EAGER = str(
    Path("torch", "_higher_order_ops")
)  # `torch.cond` and the like have no derivative for their branches else
SET_ASIDE = (
    "torch.compile was set aside while watching: compiled functions ran eagerly, and may differ in random numbers and the last "
    "digits from compiled ones; --compile=opaque leaves them as they are"
)


@dataclass(slots=True)
class _Region:
    """One compiled function that is running."""

    frame: FrameType
    ours: bool  # it runs in the thread that is watched
    was_on: bool  # whether our mode was on the stack
    recorded: bool
    started: bool = False
    inputs: tuple[torch.Tensor, ...] = ()
    read: tuple[int, ...] = ()
    optimizers: tuple[torch.optim.Optimizer, ...] = ()
    held: Any = None  # every `.grad` before


class CompiledWatch:
    """What a window does when compiled code is called."""

    def __init__(self, recorder: Recorder, opaque: bool) -> None:
        self.recorder = recorder
        self.opaque = opaque
        self._stance: Any = None  # ours
        self._users: Any = None  # the one that held before
        self._installed = False
        self._regions: dict[int, _Region] = {}  # by thread

    def install(self) -> None:
        """Stand at the two places that every compiled call passes, once torch has loaded its compiler."""
        dynamo: Any = sys.modules.get(_EVAL_FRAME)
        if self._installed or dynamo is None or not self.recorder.watches():
            return
        self._installed = True
        replace = self.recorder.patches.replace_for_good
        replace(dynamo, "_callback_from_stance", self._entry)
        replace(dynamo, "_maybe_set_eval_frame", self._exit)
        replace(dynamo._TorchDynamoContext, "__call__", self._made)
        if not self.opaque:
            self._users = dynamo._stance
            self._stance = dynamo._stance = type(dynamo._stance)("force_eager")

    def uninstall(self) -> None:
        """Let code be compiled as before; a `with set_stance(...)` of the user's that is still open returns to that, too."""
        self._installed = False
        dynamo: Any = sys.modules.get(_EVAL_FRAME)
        if self._stance is None or dynamo is None:
            return
        for name, value in vars(self._users).items():
            object.__setattr__(self._stance, name, value)
        if dynamo._stance is self._stance:
            dynamo._stance = self._users
        self._stance = None

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Keep our stand-ins out of a compiled module while it is made: it would keep the `__call__` that it finds."""
        recorder, installed = self.recorder, self.recorder.is_open
        if installed:
            recorder.suspend()
        try:
            yield
        finally:
            if installed:
                recorder.resume()

    def _made(self, original: Any) -> Any:
        watch = self

        @functools.wraps(original)
        def __call__(context: Any, function: Any) -> Any:  # noqa: N807
            with watch.aside():
                return original(context, function)

        return __call__

    # The two ends of a compiled call

    def _entry(self, original: Any) -> Any:
        watch = self

        def _callback_from_stance(callback: Any) -> Any:
            frame = sys._getframe(1)
            if frame.f_code.co_name != _WRAPPER:
                return original(callback)
            dynamo: Any = sys.modules[_EVAL_FRAME]
            inside = get_ident() in watch._regions
            set_aside = dynamo._stance is watch._stance
            if set_aside and (inside or _must_compile(frame.f_locals.get("fn"))):
                dynamo._stance = watch._users
                try:
                    given = original(callback)
                finally:
                    dynamo._stance = watch._stance
            else:
                given = original(callback)
            if inside or not watch.recorder.is_open:
                return given
            if given is not None:
                watch._enter(frame)
            elif set_aside:
                watch.recorder.gap(SET_ASIDE)
            return given

        return _callback_from_stance

    def _exit(self, original: Any) -> Any:
        watch = self

        def _maybe_set_eval_frame(callback: Any) -> Any:
            region = watch._regions.get(get_ident())
            if region is None or region.frame is not sys._getframe(1):
                return original(callback)
            if region.started:
                del watch._regions[get_ident()]
                watch._leave(region)
            region.started = True
            return original(callback)

        return _maybe_set_eval_frame

    def _enter(self, frame: FrameType) -> None:
        recorder = self.recorder
        region = self._regions[get_ident()] = _Region(frame, recorder.watches(), False, recorder.here())
        try:
            if region.recorded:
                with torch._C.DisableTorchFunction():
                    self._look(region)
            elif not region.ours:
                recorder.gap("compiled code ran in another thread; what this one did meanwhile was seen in part")
        except Exception as error:
            region.recorded = False
            recorder.fail(error)
        recorder.gradients.unsettle()
        recorder.suspend()
        if region.ours:
            recorder.ops.asleep += 1
            region.was_on = remove_mode(recorder.ops)

    def _look(self, region: _Region) -> None:
        """Note what the region can read, and what it may write, before it runs."""
        recorder, given = self.recorder, region.frame.f_locals
        arguments: list[torch.Tensor] = []
        collect((given.get("args"), given.get("kwargs")), arguments)
        found: Reached = reached_from((given.get("fn"), given.get("args"), given.get("kwargs")))
        known = {id(tensor) for tensor in arguments}
        arguments += [tensor for tensor in found.all_tensors() if id(tensor) not in known]
        region.inputs = tuple(arguments)
        region.read = tuple(recorder.ops.values_of(arguments))
        region.optimizers = tuple(found.optimizers)
        region.held = recorder.gradients.held()
        if region.optimizers:
            recorder.gradients.forget_zeroed(region.held)
            for optimizer in region.optimizers:
                recorder.optimizers.look(recorder.optimizers.number(optimizer))
            recorder.stepping.note_writes()

    def _leave(self, region: _Region) -> None:
        recorder = self.recorder
        if not recorder.is_open:  # the window was closed inside
            return
        recorder.resume()
        if region.ours:
            recorder.ops.asleep -= 1
        if region.was_on:
            push_to_bottom(recorder.ops)
        try:
            if region.recorded:
                with torch._C.DisableTorchFunction():
                    self._record(region)
                recorder.close_when_done() if region.optimizers else None
        except Exception as error:
            recorder.fail(error)

    def _record(self, region: _Region) -> None:
        """Write the region as one op, and what it did to gradients and parameters."""
        recorder, ops = self.recorder, self.recorder.ops
        results: list[torch.Tensor] = []
        collect((region.frame.f_locals.get("result"),), results)
        known = {id(tensor) for tensor in region.inputs}
        fresh = [result for result in results if id(result) not in known]
        name = _name(region.frame.f_locals.get("fn"))
        outer = region.frame.f_back
        ops.boxes.add(name)
        op = ops.write_op(ops.number(name), list(region.read), fresh, ops.written_among(list(region.inputs)), outer)
        recorder.gap(
            f"{name} was watched from outside, as one op; what gets gradient and moves is the engine's own word",
            ops.ops.site[op],
        )
        after = recorder.gradients.held()
        received = tuple(slot for slot, held in after.items() if region.held.get(slot) != held)
        moved = recorder.stepping.compare() if region.optimizers else {}
        explained = recorder.gradients.contributors
        taught = dict.fromkeys((*received, *(slot for slot in moved if slot not in explained)))
        if taught:
            self._note_backward(region, op, tuple(taught), outer)
            recorder.gradients.look(received)
        for optimizer in region.optimizers if moved else ():
            self._note_step(optimizer, moved, ops.ops.site[op])

    def _note_backward(self, region: _Region, op: int, taught: tuple[int, ...], outer: FrameType | None) -> None:
        """Note a backward that was made inside a region: what it taught is known, and not the loss."""
        recorder, ops, gradients = self.recorder, self.recorder.ops, self.recorder.gradients
        site = ops.ops.site[op]
        loss = len(ops.values.op)
        root = ops.begin(ops.number("loss inside"), list(region.read), outer)
        ops.values.op.append(root)
        ops.values.flags.append(REQUIRES_GRAD | DIFFERENTIABLE)
        ops.values.tensor.append(NONE)
        ops.ops.outputs.append(loss)
        ops.end(root)
        number = len(recorder.backwards.calls)
        ops.write_op(ops.number("backward"), [loss], [], (), outer)
        recorder.backwards.calls.append(Backward("", site, len(ops.ops), (loss,), taught, False, False, False))
        recorder.backwards.loss_names[number] = "a loss inside the compiled code"
        for slot in taught:
            gradients.contributors[slot] = [number]  # whether it zeroed what was there before is not known
        gradients._held = gradients.held()

    def _note_step(self, optimizer: torch.optim.Optimizer, moved: dict[int, None], site: int) -> None:
        recorder, stepping, gradients = self.recorder, self.recorder.stepping, self.recorder.gradients
        number = recorder.optimizers.number(optimizer)
        slots = recorder.optimizers.look(number)
        if not any(slot in moved for slot in slots):
            return
        states = gradients.see(slots)
        # A gradient that was dropped again inside was there: what moved by a step had one.
        states.update({s: GradientState("finite") for s in slots if s in moved and states[s].state == "none"})
        gradients.remember(states)
        losses = {s: tuple(gradients.contributors[s]) for s in slots if s in gradients.contributors}
        rates = tuple(group.settings.get("lr", 0.0) for group in recorder.optimizers.groups[number])
        changed = {slot: None for slot in slots if slot in moved}
        stepping.steps.append(Step(number, site, len(recorder.ops.ops), states, losses, changed, rates))
        recorder.optimizers.counts[number] += 1


def _must_compile(function: Any) -> bool:
    """Return whether a function is torch's own and gives other results, or none, where it is not compiled."""
    code = getattr(function, "__code__", None)
    return code is not None and _NEVER_EAGER in code.co_filename


def _name(function: Any) -> str:
    """Return what to call a compiled function."""
    holder: Any = getattr(function, "__self__", None)
    if isinstance(holder, torch.nn.Module):
        return f"compiled {type(holder).__name__}"
    for cell in getattr(function, "__closure__", None) or ():
        if isinstance(cell.cell_contents, torch.nn.Module):
            return f"compiled {type(cell.cell_contents).__name__}"
    if _must_compile(function):
        return Path(function.__code__.co_filename).stem
    return f"compiled {getattr(function, '__name__', 'code')}"
