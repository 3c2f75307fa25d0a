"""Keeps what wrappers do to the parameters in them: hold them equal on all ranks, or hold parts of them."""

from __future__ import annotations

from collections.abc import Callable

import torch

from gradcheck_freeze.trace.distributed import attribute_of, flat_parameters, kept_equal, wrapped
from gradcheck_freeze.trace.ops import OpRecorder
from gradcheck_freeze.trace.record import NONE


class Spreading:
    """The wrappers of one run, by the numbers that the inventory gives modules."""

    def __init__(self, recorder: OpRecorder, number: Callable[[torch.nn.Module], int]) -> None:
        self.recorder = recorder
        self._number = number
        self.wrappers: dict[int, int] = {}  # number of a wrapper → that of the author's module inside it
        self.frozen_when_wrapped: dict[int, frozenset[int]] = {}  # wrapper → parameters that it leaves alone
        self.flattened: dict[int, tuple[str, ...]] = {}  # slot of a flat parameter → the names of those it holds
        self.whole: dict[int, tuple[int, ...]] = {}  # slot → shape of the whole of which this process holds a part
        self.spread: dict[int, str] = {}  # slot → whether a wrapper keeps it equal on all ranks, or in parts

    def note_wrapper(self, outer: torch.nn.Module, inner: torch.nn.Module | None) -> None:
        """Note what a wrapper wraps, and what it does to the parameters in it."""
        while inner is not None and attribute_of(inner):
            inner = wrapped(inner)
        if inner is not None:
            self.wrappers[self._number(outer)] = self._number(inner)
        for tensor in kept_equal(outer):
            if id(tensor) not in self.frozen_when_wrapped.get(self._number(outer), ()):
                self.note(tensor, "replicated")
        for flat in flat_parameters(outer):
            slot = self.note(flat, "sharded")
            self.flattened[slot] = tuple(flat._fqns)
            for tensor, shape in zip(flat._params or (), flat._shapes, strict=False):
                self.whole[self.note(tensor, "sharded")] = tuple(shape)

    def wraps(self, outer: torch.nn.Module, inner: torch.nn.Module) -> None:
        """Note what is frozen when a module is wrapped; the wrapper holds these parameters, so no identity is given anew."""
        frozen = (id(parameter) for parameter in inner.parameters() if not parameter.requires_grad)
        self.frozen_when_wrapped[self._number(outer)] = frozenset(frozen)

    def note(self, tensor: torch.Tensor, spread: str) -> int:
        """Note how a parameter is spread over the ranks; return its slot."""
        self.recorder.value_of(tensor)
        slot = self.recorder.tensors.adopt(tensor)
        if slot != NONE:
            self.spread[slot] = spread
        return slot
