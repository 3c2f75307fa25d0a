"""What can be told of a training step on tensors without memory, on the meta device or fake: its cost, and why it failed.

Bytes are read off the gradients and optimizer states that the trial really made, which have a dtype and a shape like any
other. Work is counted by torch's own FlopCounterMode in two backwards over the same graph: one for all that gets gradient, and
one that asks for what some optimizer holds alone, for which autograd leaves out the rest.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.trace.memory import has_memory
from gradcheck_freeze.trace.record import Gap
from gradcheck_freeze.trace.sites import is_user_file

# What torch says where an op would have to read elements, and where it is given memory and no memory at once.
_READS = (
    "meta tensor",
    "Meta tensor",
    "meta device type",
    "Cannot copy out of meta",
    "not supported for tensor subclasses",
    "data-independent",
    "_local_scalar_dense",
    "FakeTensor",
    "DataDependent",
    "DynamicOutputShape",
)
_MIXED = ("not on the expected device", "convert all Tensors to FakeTensors")


def gaps(without_memory: int) -> list[Gap]:
    """State that there are tensors of which it can only be told what would happen to them."""
    if not without_memory:
        return []
    tensors = "1 tensor has" if without_memory == 1 else f"{without_memory:,} tensors have"
    return [
        Gap(
            f"{tensors} no memory (meta device, or fake), so this is a plan: what would be updated is told from what the "
            "steps write to, and values are not known, so not whether a gradient is zero or not finite"
        )
    ]


def states(optimizers: Iterable[torch.optim.Optimizer]) -> dict[str, int]:
    """Return the bytes of optimizer state that have no memory yet, by dtype."""
    found: dict[str, int] = {}
    for optimizer in optimizers:
        for held in optimizer.state.values():
            for value in held.values() if isinstance(held, dict) else ():
                if isinstance(value, torch.Tensor) and not has_memory(value):
                    dtype = str(value.dtype).removeprefix("torch.")
                    found[dtype] = found.get(dtype, 0) + value.nbytes
    return found


def work(
    losses: Sequence[torch.Tensor], given: Sequence[torch.Tensor], optimizers: Sequence[torch.optim.Optimizer]
) -> tuple[int | None, int | None]:
    """Return the work of a backward for all leaves that get gradient, and for those that an optimizer holds.

    Nothing is counted where a leaf has memory: there it would have to be done twice. Call before a step writes into leaves.
    """
    if not given or any(has_memory(leaf) for leaf in given):
        return None, None
    whole = _count(losses, given)
    if not optimizers:
        return whole, None
    held = {id(t) for optimizer in optimizers for group in optimizer.param_groups for t in group["params"]}
    used = [leaf for leaf in given if id(leaf) in held]
    return whole, whole if len(used) == len(given) else _count(losses, used)


def _count(losses: Sequence[torch.Tensor], leaves: Sequence[torch.Tensor]) -> int:
    """Return the floating point operations of the matrix products and convolutions in the backward of these losses."""
    from torch.utils.flop_counter import FlopCounterMode

    if not leaves:
        return 0
    with FlopCounterMode(display=False) as counter:
        for loss in losses:
            torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
    return int(counter.get_total_flops())


def reads_values(error: Exception, tensors: Iterable[torch.Tensor]) -> UsageError | None:
    """Return what an error of the user's function says to someone who plans, or None where it is another one."""
    said = f"{type(error).__name__}: {error}"
    if all(has_memory(tensor) for tensor in tensors):
        return None
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_ours_or_torch(f.filename)]
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno} ({frames[-1].line})" if frames else "the loss"
    first = " ".join(str(error).split())
    first = first if len(first) <= 120 else first[:119] + "…"
    if any(part in said for part in _MIXED):
        return UsageError(
            f"{where} mixes tensors with memory and tensors without: {first}.\n"
            "  Make the inputs on the device of the weights: torch.zeros(1, 2048, dtype=torch.long, device='meta')."
        )
    if any(part in said for part in _READS):
        return UsageError(
            f"{where} reads values, which tensors on the meta device do not have: {first}.\n"
            "  Compute the loss without that. Models of transformers look into a mask, or for one, unless it is given ready-made: "
            "attention_mask=torch.zeros(1, 1, length, length, device='meta'); with attn_implementation='eager' "
            "a mask of ones will do; under FakeTensorMode neither is needed."
        )
    return None


def _is_ours_or_torch(path: str) -> bool:
    return not is_user_file(path) and ("/torch/" in path or "/gradcheck_freeze/" in path)
