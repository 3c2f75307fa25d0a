"""Tells by value whether a tensor changed: a hash of its bytes, at the speed of one plain read and without a copy.

`Tensor._version` cannot tell: fused optimizers, writes through `.data` and BatchNorm statistics do not bump it on
torch 2.13, and a step with lr = 0 does. xxh3_128 over the memory of a CPU tensor can, at about 11 GB/s.
"""

from __future__ import annotations

import ctypes
import functools

import torch
import xxhash

from gradcheck_freeze.trace.distributed import local


def fingerprint(tensor: torch.Tensor) -> int:
    """Return a 128-bit hash of the tensor's elements, of any shape, dtype and device; 0 where it has no memory.

    A tensor that is not dense CPU memory is copied to where it can be read. Tensors without storage (meta, fake)
    give 0: they cannot change. Of a sharded tensor the part that this process holds is read.
    """
    tensor = local(tensor)
    if not (
        tensor.is_cpu
        and tensor.layout is torch.strided
        and tensor.is_contiguous()
        and not (tensor.is_conj() or tensor.is_neg())
    ):
        if tensor.is_meta or tensor.numel() == 0:
            return 0
        tensor = _in_memory(tensor.detach())
    size = tensor.nbytes
    digest: int = xxhash.xxh3_128_intdigest(_bytes(size).from_address(tensor.data_ptr())) if size else 0
    return digest


@functools.cache
def _bytes(size: int) -> type[ctypes.Array[ctypes.c_char]]:
    """Return the type of this many bytes: making it costs more than the hash of a small tensor."""
    return ctypes.c_char * size


def _in_memory(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor, or a copy of it, as one dense stretch of CPU memory."""
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense() if tensor.layout != torch.jagged else tensor.values()
    if not tensor.is_cpu:
        tensor = tensor.cpu()
    if not _is_dense(tensor) or tensor.is_conj() or tensor.is_neg():
        tensor = tensor.resolve_conj().resolve_neg().contiguous()
    return tensor


def _is_dense(tensor: torch.Tensor) -> bool:
    """Return whether the elements fill one stretch of memory without holes or overlap."""
    if tensor.is_contiguous():
        return True
    span = 1 + sum((length - 1) * stride for length, stride in zip(tensor.shape, tensor.stride(), strict=True))
    # A stretch as long as the tensor has elements is filled without holes, and so without overlap, unless a stride is 0.
    return span == tensor.numel() and 0 not in tensor.stride()
