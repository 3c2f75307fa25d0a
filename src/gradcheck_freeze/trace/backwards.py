"""Watches backward calls: which leaf received gradient in which call, by the engine's own word.

A call gave a leaf gradient if its `.grad` is another tensor afterwards, or the same one with a higher version. That is
read before and after the call; no hook is put on any leaf of the user's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import torch

from gradcheck_freeze.trace.gradient_state import state_of
from gradcheck_freeze.trace.gradients import GradientWatch, Held
from gradcheck_freeze.trace.ops import OpRecorder
from gradcheck_freeze.trace.record import NONE
from gradcheck_freeze.trace.training import Backward

_MOST_PROBES = 30_000  # a hook makes a wrapper of a graph node, and a very deep chain of those cannot be freed
_MOST_TOLD = 300  # characters of an error that a backward call ended with
_NOTHING = ("none", "zero")


class BackwardWatch:
    """The backward calls of one window, in the order of time."""

    def __init__(self, recorder: OpRecorder, gradients: GradientWatch) -> None:
        self.recorder = recorder
        self.gradients = gradients
        self.calls: list[Backward] = []
        self.loss_names: dict[int, str] = {}  # number of a call → the name its loss was handed over under
        self.at_values: dict[int, str] = {}  # value → state of its gradient, in steps that are watched deeply
        self.before_any_step: Callable[[Any], None] = lambda frame: None
        self.on_received: Callable[[Iterable[int]], None] = lambda slots: None

    def forget(self) -> None:
        """Drop all that was seen of backward calls: the step they lead to is not watched."""
        self.calls.clear()
        self.at_values.clear()
        self.gradients.forget()

    def name_last(self, name: str) -> None:
        """Call the loss of the last backward by this name instead of by what its line says."""
        self.loss_names[len(self.calls) - 1] = name

    def gave(self, tensor: torch.Tensor) -> None:
        """Note that the gradient the last backward returned for a leaf was put into its `.grad`."""
        slot = self.recorder.tensors.slot(tensor)
        if slot != NONE:
            self.gradients.contributors.setdefault(slot, []).append(len(self.calls) - 1)

    def backward(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a backward call and note which leaves it gave gradient."""
        recorder = self.recorder
        if recorder.transforms:  # how a transform differentiates is its own business
            return func(*args, **kwargs)
        roots: list[torch.Tensor] = []
        try:
            given = args[0] if args else kwargs.get("tensors", kwargs.get("outputs", kwargs.get("self")))
            roots = (
                [given] if isinstance(given, torch.Tensor) else [t for t in given or () if isinstance(t, torch.Tensor)]
            )
            values = tuple(recorder.value_of(root) for root in roots)
            self.before_any_step(sys._getframe(2))
            before = self.gradients.before_backward()
            site = recorder.sites.here(sys._getframe(2))
        except Exception as error:
            recorder.on_failure(error)
            return func(*args, **kwargs)
        returned, raised = None, ""
        try:
            returned = func(*args, **kwargs)
            return returned
        except Exception as error:
            raised = f"{type(error).__name__}: {error}"[:_MOST_TOLD]
            raise
        finally:
            try:
                self._note(func, args, kwargs, values, before, site, returned, raised)
            except Exception as error:
                recorder.on_failure(error)

    def _note(
        self,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        roots: tuple[int, ...],
        before: Held,
        site: int,
        returned: Any,
        raised: str,
    ) -> None:
        returns = func is torch.autograd.grad
        create, retain = bool(kwargs.get("create_graph", False)), bool(kwargs.get("retain_graph"))
        after = self.gradients.held()
        received = () if returns else tuple(slot for slot, held in after.items() if before.get(slot) != held)
        try:
            if returns:
                wanted = args[1] if len(args) > 1 else kwargs.get("inputs", ())
                wanted = [wanted] if isinstance(wanted, torch.Tensor) else list(wanted)
                received = self._note_returned(roots, wanted, [None] * len(wanted) if returned is None else returned)
            else:
                self._note_received(received)
                # A row of its own, so that what comes before and after it can be told apart.
                self.recorder.write_op(self.recorder.number("backward"), list(roots), [], (), sys._getframe(3))
            self.gradients.settle(after)
        finally:  # what it gave is counted under its number: whatever failed, it is in the list
            after_op = len(self.recorder.ops)
            self.calls.append(Backward("", site, after_op, roots, received, returns, create, retain, raised))

    def _note_returned(self, roots: tuple[int, ...], wanted: list[torch.Tensor], results: Any) -> tuple[int, ...]:
        """Note what `autograd.grad` gave back, and return the slots of those it gave something for."""
        recorder = self.recorder
        read = [*roots, *(recorder.value_of(tensor) for tensor in wanted)]
        received = tuple(
            slot
            for tensor, result in zip(wanted, results, strict=False)
            if result is not None and (slot := recorder.tensors.slot(tensor)) != NONE
        )
        fresh = [result for result in results if isinstance(result, torch.Tensor)]
        recorder.write_op(recorder.number("grad"), read, fresh, (), sys._getframe(4))
        return received

    def _note_received(self, received: tuple[int, ...]) -> None:
        """Note whose `.grad` the backward now noted wrote."""
        gradients, states, number = self.gradients, self.gradients.states, len(self.calls)
        contributors = gradients.contributors
        for slot in received:
            contributors.setdefault(slot, []).append(number)
        self.on_received(received)
        # No step may ever come to look at those that no optimizer holds, and they may be gone when the window closes.
        gradients.look([slot for slot in received if slot not in states or states[slot].state in _NOTHING])

    def probe(self, tensor: torch.Tensor, value: int) -> None:
        """Have the engine tell what gradient arrives at a value; the gradient itself is left as it is."""
        if len(self.at_values) >= _MOST_PROBES:
            return

        def note(gradient: torch.Tensor | None) -> None:
            if gradient is None:  # a custom function's backward returned nothing
                return
            try:
                self.at_values[value] = state_of([gradient])[0].state
            except Exception as error:
                self.recorder.on_failure(error)

        note.__torch_unserializable__ = True  # type: ignore[attr-defined]  # torch.save does not warn of such a hook
        self.at_values[value] = "none"
        tensor.register_hook(note)
