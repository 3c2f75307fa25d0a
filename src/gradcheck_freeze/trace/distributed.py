"""What torch.distributed and the wrappers of modules put between the author's names and tensors and what really runs.

Nothing here communicates, and nothing imports a part of torch that the program has not imported: classes are known by
where they were defined.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import torch

from gradcheck_freeze.trace.memory import PLAIN
from gradcheck_freeze.trace.record import Rank

_WRAPPERS = {  # class → the attribute under which it keeps what it wraps
    ("torch.nn.parallel.distributed", "DistributedDataParallel"): "module",
    ("torch.nn.parallel.data_parallel", "DataParallel"): "module",
    ("torch.distributed.fsdp.fully_sharded_data_parallel", "FullyShardedDataParallel"): "_fsdp_wrapped_module",
    ("torch._dynamo.eval_frame", "OptimizedModule"): "_orig_mod",
    ("torch.distributed.algorithms._checkpoint.checkpoint_wrapper", "ActivationWrapper"): "_checkpoint_wrapped_module",
}
_attributes: dict[type, str] = {}  # class → attribute, "" for what is no wrapper


def attribute_of(module: torch.nn.Module) -> str:
    """Return the attribute under which a wrapper keeps the author's module, "" for a module that is no wrapper."""
    kind = type(module)
    known = _attributes.get(kind)
    if known is None:
        found = (_WRAPPERS.get((base.__module__, base.__qualname__), "") for base in kind.__mro__)
        known = _attributes[kind] = next(filter(None, found), "")
    return known


def wrapped(module: torch.nn.Module) -> torch.nn.Module | None:
    """Return the module that a wrapper keeps, None for a module that is no wrapper."""
    attribute = attribute_of(module)
    inner = module._modules.get(attribute) if attribute else None
    return inner if isinstance(inner, torch.nn.Module) else None


def spread_of_dtensor(tensor: torch.Tensor) -> str:
    """Return "sharded" for a DTensor of which ranks hold parts, "" for every other tensor."""
    if type(tensor) in PLAIN:
        return ""
    kind = _class("torch.distributed.tensor", "DTensor")
    if kind is None or not isinstance(tensor, kind):
        return ""
    return "sharded" if any(placement.is_shard() for placement in tensor.placements) else ""


def kept_equal(module: torch.nn.Module) -> Iterator[torch.Tensor]:
    """Yield the parameters that a DistributedDataParallel averages the gradients of."""
    kind = _class("torch.nn.parallel.distributed", "DistributedDataParallel")
    if kind is not None and isinstance(module, kind):
        yield from getattr(module, "_module_parameters", ())


def unsharded(module: torch.nn.Module) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield, for every parameter that a wrapper gathers for the forward, what is computed with and the author's own.

    `fully_shard` computes with a parameter of its own making; FullyShardedDataParallel, if it keeps the original
    parameters, with a view of the flat one.
    """
    fully_sharded = _class("torch.distributed.fsdp._fully_shard._fully_shard", "FSDPModule")
    if fully_sharded is not None and isinstance(module, fully_sharded):
        for group in _groups(module._get_fsdp_state()):
            for held in group.fsdp_params:
                whole = getattr(held, "_unsharded_param", None)
                if whole is not None:
                    yield whole, held.sharded_param
    for flat in flat_parameters(module):
        for view, own in zip(getattr(flat, "_tensors", None) or (), getattr(flat, "_params", None) or (), strict=False):
            if view is not None:
                yield view, own


def _groups(state: Any) -> list[Any]:
    several = getattr(state, "_fsdp_param_groups", None)
    if several:
        return list(several)
    single = getattr(state, "_fsdp_param_group", None)
    return [] if single is None else [single]


def flat_parameters(module: torch.nn.Module) -> list[Any]:
    """Return the flat parameter of a FullyShardedDataParallel, if it manages one."""
    kind = _class("torch.distributed.fsdp.fully_sharded_data_parallel", "FullyShardedDataParallel")
    handle = getattr(module, "_handle", None) if kind is not None and isinstance(module, kind) else None
    return [] if handle is None else [handle.flat_param]


def gathers(module: torch.nn.Module) -> bool:
    """Return whether a module gathers parameters before its forward."""
    fully_sharded = _class("torch.distributed.fsdp._fully_shard._fully_shard", "FSDPModule")
    if fully_sharded is not None and isinstance(module, fully_sharded):
        return True
    kind = _class("torch.distributed.fsdp.fully_sharded_data_parallel", "FullyShardedDataParallel")
    return kind is not None and isinstance(module, kind)


def made_by_sharding(frame: FrameType) -> bool:
    """Return whether torch.distributed makes a parameter here: of what it gathered, to stand for one of the author's."""
    return str(frame.f_globals.get("__name__", "")).startswith("torch.distributed.fsdp.")


def rank() -> Rank | None:
    """Return which process this is of those that train together, None if it trains alone."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        number, size = distributed.get_rank(), distributed.get_world_size()
    else:
        try:
            number, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        except (KeyError, ValueError):
            return None
    return Rank(number, size) if size > 1 else None


def _class(module: str, name: str) -> type[Any] | None:
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) else None
