"""The rows of a trace that tell how it trains: backward calls, gradients, optimizers and their steps. Without torch, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gradcheck_freeze.trace.record import NONE


class GradientState(NamedTuple):
    """What a tensor's `.grad` held just before a step, or after a backward when no step followed."""

    state: str  # "none" | "zero" | "finite" | "nonfinite"
    norm: float | None = None


@dataclass(frozen=True, slots=True)
class Backward:
    """One backward call, by whatever name: `Tensor.backward`, `autograd.backward`, `autograd.grad`."""

    name: str  # what the author calls the loss: a variable, or the expression as written
    site: int
    after: int  # how many ops had run
    roots: tuple[int, ...]  # values
    received: tuple[int, ...]  # tensors whose `.grad` this call wrote; for autograd.grad, that it returned one for
    returns: bool = False  # autograd.grad: gradients are returned, `.grad` is left alone
    create_graph: bool = False
    retain_graph: bool = False
    raised: str = ""  # the error that it ended with


@dataclass(frozen=True, slots=True)
class OptimizerGroup:
    """The tensors of one parameter group and its settings that decide whether a step moves them."""

    tensors: tuple[int, ...]
    settings: Mapping[str, float]  # lr, weight_decay, momentum
    iterator: int = NONE  # where the one-shot iterator was written that had nothing left when this group was made


@dataclass(frozen=True, slots=True)
class WatchedOptimizer:
    """An optimizer, as its author calls it."""

    name: str
    type_name: str
    built: int  # site of its construction
    groups: tuple[OptimizerGroup, ...]
    after: int = 0  # how many ops had run when it was built
    schedule: int = NONE  # site of what sets its learning rate: the scheduler, or the function given to it
    loaded: int = NONE  # site where a state was loaded into it


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step as it really happened."""

    optimizer: int
    site: int
    after: int
    gradients: Mapping[int, GradientState]  # tensors in the groups, those whose gradient is none included
    losses: Mapping[int, tuple[int, ...]]  # tensor → indices of the backwards whose gradient it applied
    changed: Mapping[int, float | None]  # tensors that differ bit for bit afterwards → ‖Δ‖/‖before‖ where known
    lr: tuple[float, ...] = ()  # per group, at this step
    moved_at_zero: tuple[int, ...] = ()  # tensors that moved also where the user's code had set their gradient to zero


@dataclass(frozen=True, slots=True)
class SkippedStep:
    """A step that a GradScaler was asked for and left out."""

    optimizer: int
    site: int
    after: int
    gradients: Mapping[int, GradientState]


@dataclass(frozen=True, slots=True)
class Write:
    """A watched tensor changed outside every optimizer step."""

    tensor: int
    op: int  # the in-place op that was seen to do it, or NONE
    site: int
    after: int
    call: int = NONE  # the module call it happened in: a BatchNorm's statistics, say


@dataclass(frozen=True, slots=True)
class ZeroGrad:
    """`.grad` of some tensors was set to None or filled with zeros."""

    tensors: tuple[int, ...]
    site: int
    after: int


@dataclass(frozen=True, slots=True)
class Masking:
    """The user's code set a part of a gradient to zero, in place or in a hook."""

    tensor: int
    site: int
    whole: bool  # nothing of the gradient was left
