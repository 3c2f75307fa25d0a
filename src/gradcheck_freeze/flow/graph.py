"""The flow of one watched run: what reaches which loss as data, and what of it autograd differentiates.

Losses are numbered; a *mask* is an integer with bit `i` set for loss `i`. Everything here is found in one sweep back over
the ops, so it costs time linear in their number.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradcheck_freeze.trace.record import Trace


@dataclass(frozen=True, slots=True)
class Loss:
    """All backward calls made at one site under one name."""

    name: str
    site: int
    backwards: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SeveredEdge:
    """A data edge on the way to a loss whose input carries gradient and whose output does not."""

    op: int
    source: int  # the value that carried gradient
    result: int  # the value that no longer does


@dataclass(frozen=True, slots=True)
class TensorFlow:
    """What the window saw of one watched tensor, by its index in `Trace.tensors`."""

    read: bool  # some op read it
    data: int  # mask of the losses that depend on it
    gradient: int  # mask of the losses that a path of gradient edges leads to, by the trace
    received: int  # mask of the losses whose backward gave it a gradient, by the engine
    optimizers: tuple[tuple[int, int], ...]  # (optimizer, group)
    steps: tuple[int, ...]  # the steps that had it in a group
    changed: tuple[int, ...]  # the steps that changed it
    written: tuple[int, ...]  # indices of the writes outside every step


@dataclass(frozen=True, slots=True)
class FlowGraph:
    """A `Trace` with reachability laid over it."""

    trace: Trace
    losses: tuple[Loss, ...]
    data: list[int]  # per value: mask of the losses that depend on it
    gradient: list[int]  # per value: mask of the losses that gradient edges lead to from it
    severed: tuple[SeveredEdge, ...]  # in the order of time
    tensors: tuple[TensorFlow, ...]
