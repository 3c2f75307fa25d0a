"""One backward and, if there is an optimizer, one step, watched and then undone.

Afterwards parameters, `.grad`, optimizer state, buffers, random state, train/eval flags and the graph are as they were.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.trace import plan
from gradcheck_freeze.trace.aside import windows_aside
from gradcheck_freeze.trace.distributed import gathers
from gradcheck_freeze.trace.gradient_state import state_of
from gradcheck_freeze.trace.placement import Placement
from gradcheck_freeze.trace.record import NONE, Cost, Trace
from gradcheck_freeze.trace.recorder import Recorder

Losses = Any  # a tensor with one element, or a mapping of names to such tensors


def trial(
    modules: Mapping[str, torch.nn.Module],
    loss: Losses | Callable[[], Losses],
    optimizers: Sequence[torch.optim.Optimizer],
) -> Trace:
    """Return the trace of one backward, and one step of each optimizer; raises `UsageError` for a loss that has none."""
    tensors = _tensors(modules.values(), optimizers)
    if not any(isinstance(tensor, torch.nn.Parameter) for tensor in tensors):
        raise UsageError(
            "the model has no parameters, so there is nothing to diagnose.\n  Pass the module that is trained."
        )
    if any(gathers(inner) for module in modules.values() for inner in module.modules()):
        raise UsageError(
            "the parameters of the model are sharded over ranks, and a trial backward would reach none of them.\n"
            "  Diagnose the model before it is sharded, or watch its training: gradcheck-freeze run, or watch()."
        )
    names: dict[str, Any] = dict(modules)
    if len(modules) == 1:  # what the author calls `encoder` is `model.encoder` to us: both names hold
        names.update(
            (name, child) for name, child in next(iter(modules.values())).named_children() if name not in names
        )
    names.update(_optimizer_names(optimizers))
    recorder = Recorder(Placement(steps=1 << 30), names)
    with windows_aside(), _undone(modules.values(), tensors, optimizers):
        recorder.open()
        try:
            recorder.look()
            given = _computed(loss, tensors) if callable(loss) and not isinstance(loss, torch.Tensor) else loss
            work, needed = _gradients(recorder, given, tensors, optimizers)
            for optimizer in optimizers:
                optimizer.step()
        finally:
            trace = recorder.trace()
        if trace.without_memory:
            trace.cost = Cost(plan.states(optimizers), work, needed)
    return trace


def _computed(loss: Callable[[], Losses], tensors: list[torch.Tensor]) -> Losses:
    try:
        return loss()
    except Exception as error:
        told = plan.reads_values(error, tensors)
        if told is None:
            raise
        raise told from error


def _tensors(
    modules: Iterator[torch.nn.Module] | Any, optimizers: Sequence[torch.optim.Optimizer]
) -> list[torch.Tensor]:
    found: dict[int, torch.Tensor] = {}
    for module in modules:
        found.update((id(tensor), tensor) for tensor in (*module.parameters(), *module.buffers()))
    for optimizer in optimizers:
        found.update((id(t), t) for group in optimizer.param_groups for t in group["params"])
    return list(found.values())


def _optimizer_names(optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, torch.optim.Optimizer]:
    if len(optimizers) == 1:
        return {"optimizer": optimizers[0]}
    return {f"optimizer{number}": optimizer for number, optimizer in enumerate(optimizers)}


def _gradients(
    recorder: Recorder, given: Any, tensors: list[torch.Tensor], optimizers: Sequence[torch.optim.Optimizer]
) -> tuple[int | None, int | None]:
    """Ask the engine for the gradient of every loss and put the sum where a step looks for it; return the work of it."""
    losses = given if isinstance(given, Mapping) else {"loss": given}
    leaves = [tensor for tensor in tensors if tensor.requires_grad and tensor.is_leaf]
    for name, value in losses.items():
        _check(name, value)
        try:
            gradients = torch.autograd.grad(value, leaves, retain_graph=True, allow_unused=True) if leaves else ()
        except RuntimeError as error:
            if "second time" not in str(error):
                raise
            raise UsageError(
                f"the graph of {name} has been freed: backward() was already called on it.\n"
                "  Pass the loss before backward(), call backward(retain_graph=True), or pass a function that computes it."
            ) from None
        recorder.backwards.name_last(name)
        for leaf, gradient in zip(leaves, gradients, strict=True):
            if gradient is not None:
                recorder.ops.asleep += 1
                leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient
                recorder.backwards.gave(leaf)
                recorder.ops.asleep -= 1
    there = [leaf for leaf in leaves if leaf.grad is not None]
    recorder.ops.asleep += 1
    for leaf, state in zip(there, state_of([leaf.grad for leaf in there if leaf.grad is not None]), strict=True):
        slot = recorder.ops.tensors.slot(leaf)
        if slot != NONE:
            recorder.gradients.remember({slot: state})
            if leaf.grad is not None and leaf.grad.layout is torch.strided:
                recorder.gradients.sizes[slot] = leaf.grad.nbytes
    work = plan.work(list(losses.values()), there, optimizers)
    recorder.ops.asleep -= 1
    return work


def _check(name: str, value: Any) -> None:
    if not isinstance(value, torch.Tensor):
        raise UsageError(
            f"{name} is {type(value).__name__}, not a tensor.\n  Pass a loss tensor, a mapping of them, or a function."
        )
    if not value.requires_grad:
        raise UsageError(
            f"{name} does not require grad, so it has no graph to follow.\n"
            "  Everything it was computed from is detached, frozen or under no_grad; pass it before .item() or .detach()."
        )
    if value.numel() != 1:
        raise UsageError(
            f"{name} has shape {tuple(value.shape)}; a loss must be a single number.\n  Reduce it with .mean() or .sum()."
        )


@contextmanager
def _undone(modules: Any, tensors: list[torch.Tensor], optimizers: Sequence[torch.optim.Optimizer]) -> Iterator[None]:
    """Give back everything that a forward, a backward and a step may touch."""
    modules = [inner for module in modules for inner in module.modules()]
    flags = [(module, module.training) for module in modules]
    requires = [(tensor, tensor.requires_grad) for tensor in tensors if tensor.is_leaf]
    gradients = [(tensor, tensor.grad) for tensor in tensors if tensor.is_leaf]
    values = [(tensor, tensor.detach().clone(), tensor._version) for tensor in tensors]
    states = [
        (
            optimizer,
            {key: copy.deepcopy(held) for key, held in optimizer.state.items()},
            [dict(g) for g in optimizer.param_groups],
        )
        for optimizer in optimizers
    ]
    random = torch.get_rng_state()
    devices = [torch.cuda.get_rng_state_all()] if torch.cuda.is_available() else []
    for tensor, _ in gradients:
        tensor.grad = None
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value, _ in values:
                tensor.data.copy_(value)
        # The graph of a ready-made loss checks these counters when its backward is called.
        torch._C._autograd._unsafe_set_version_counter(
            tuple(tensor for tensor, *_ in values), tuple(version for *_, version in values)
        )
        for tensor, flag in requires:
            if tensor.requires_grad != flag:
                tensor.requires_grad_(flag)
        for tensor, gradient in gradients:
            tensor.grad = gradient
        for optimizer, state, groups in states:
            _restore(optimizer, state, groups)
        for module, training in flags:
            module.training = training
        torch.set_rng_state(random)
        for state in devices:
            torch.cuda.set_rng_state_all(state)


def _restore(optimizer: torch.optim.Optimizer, state: Any, groups: list[dict[str, Any]]) -> None:
    """Put an optimizer's state and groups back."""
    optimizer.state.clear()
    optimizer.state.update(state)
    for group, before in zip(optimizer.param_groups, groups, strict=True):
        group.clear()
        group.update(before)
