"""Whether a tensor has elements that can be read here, and which tensors hold them.

A wrapper (a DTensor, a tensor subclass around others) has no memory of its own: its `data_ptr()` is 0, and a call on it may do
anything, as talk to other processes. What is read of it is what it holds in this process. A tensor on the meta device, a fake
one and the parameter of a lazy module before its first call have a shape at most.
"""

from __future__ import annotations

import torch
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]

PLAIN = (torch.Tensor, torch.nn.Parameter)


def has_memory(tensor: torch.Tensor) -> bool:
    """Return whether a tensor has elements that can be read."""
    if tensor.is_meta:
        return False
    if type(tensor) in PLAIN:
        return True
    if isinstance(tensor, UninitializedTensorMixin):
        return False
    try:  # a fake tensor says that it is on the CPU, and its storage that it is not
        return str(tensor.untyped_storage().device.type) != "meta"
    except (NotImplementedError, RuntimeError):
        return True


def held_by(tensor: torch.Tensor) -> list[torch.Tensor]:
    """Return the tensors in which a wrapper keeps its elements in this process; any other tensor is its own.

    Of a DTensor that is its shard, which may be empty.
    """
    if type(tensor) in PLAIN:
        return [tensor]
    if hasattr(tensor, "__tensor_flatten__"):
        inner = [getattr(tensor, name) for name in tensor.__tensor_flatten__()[0]]  # a mesh may be among them
    elif (
        has_memory(tensor)
        and tensor.is_cpu
        and tensor.layout is torch.strided
        and tensor.nbytes
        and not tensor.data_ptr()
    ):
        inner = list(vars(tensor).values())
    else:
        return [tensor]
    return [part for held in inner if isinstance(held, torch.Tensor) for part in held_by(held)]


def version_of(tensor: torch.Tensor) -> int:
    """Return a number that rises with every write into a tensor: through a wrapper, or past it into what it holds."""
    version: int = tensor._version
    if type(tensor) in PLAIN:
        return version
    return version + sum(int(part._version) for part in held_by(tensor) if part is not tensor)


def size_of(tensor: torch.Tensor) -> int:
    """Return how many bytes a reading of the tensor takes, about: of what is not dense, as many as if it were."""
    return int(tensor.numel() * tensor.element_size()) if has_memory(tensor) else 0
